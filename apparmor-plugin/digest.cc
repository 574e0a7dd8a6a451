// SPDX-License-Identifier: LGPL-2.1-or-later
// Computes the digests with the SHA-256 of libmd.
#include "digest.h"

#include <sha2.h>

#include <array>

namespace svirt::apparmor {

std::string Digest(std::string_view bytes) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA2_CTX context;
  SHA256Init(&context);
  SHA256Update(&context, reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
  SHA256Final(digest.data(), &context);
  std::string text;
  for (const uint8_t byte : digest) {
    constexpr char kHex[] = "0123456789abcdef";
    text += kHex[byte >> 4];
    text += kHex[byte & 0xf];
  }
  return text;
}

DigestOf &DigestOf::Add(std::string_view text) {
  all_ += std::to_string(text.size());
  all_ += ':';
  all_ += text;
  return *this;
}

}  // namespace svirt::apparmor
