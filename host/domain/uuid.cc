// SPDX-License-Identifier: LGPL-2.1-or-later
// Checks the digits of a uuid, and makes new ones from the kernel's random bytes.
#include "host/domain/uuid.h"

#include <sys/random.h>

#include <array>
#include <cerrno>

#include "host/util/text.h"

namespace svirt {
namespace {

constexpr size_t kDigits = 32;
constexpr char kHex[] = "0123456789abcdef";

bool HyphenBefore(size_t digit) {
  return digit == 8 || digit == 12 || digit == 16 || digit == 20;
}

}  // namespace

Result<std::string> ParseUuid(std::string_view text) {
  const bool hyphens = text.size() == kDigits + 4;
  bool good = hyphens || text.size() == kDigits;
  std::string uuid;
  size_t next = 0;
  for (size_t digit = 0; good && digit < kDigits; ++digit) {
    if (HyphenBefore(digit)) {
      good = !hyphens || text[next++] == '-';
      uuid += '-';
    }
    char c = text[next++];
    if (c >= 'A' && c <= 'F') {
      c = static_cast<char>(c - 'A' + 'a');
    }
    good = good && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    uuid += c;
  }
  if (!good) {
    return Error{
        Errc::kInvalid,
        Quoted(text) + " is not a UUID; write it like 12345678-9abc-def0-1234-56789abcdef0"};
  }
  return uuid;
}

Result<std::string> NewUuid() {
  std::array<unsigned char, kDigits / 2> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return SystemError(errno, "cannot make up a UUID: no random bytes");
  }
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);  // variant of RFC 4122
  std::string digits;
  for (const unsigned char byte : bytes) {
    digits += kHex[byte >> 4];
    digits += kHex[byte & 0x0f];
  }
  return ParseUuid(digits);
}

}  // namespace svirt
