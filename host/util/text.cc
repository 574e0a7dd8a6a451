// SPDX-License-Identifier: LGPL-2.1-or-later
// Recognises control characters and well-formed UTF-8, byte by byte.
#include "host/util/text.h"

#include <algorithm>

namespace svirt {
namespace {

// Length in bytes of the control character (C0, DEL, C1) that the text starts with, 0 if it does
// not.
size_t ControlLength(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7f) {
    return 1;
  }
  // U+0080 to U+009F: 0xC2 followed by 0x80 to 0x9F.
  if (first != 0xc2 || text.size() < 2) {
    return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  return second >= 0x80 && second < 0xa0 ? 2 : 0;
}

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0u) == 0x80u;
}

// Length of the well-formed UTF-8 sequence at the start of text, 0 if there is none. Overlong
// forms, surrogates and code points past U+10FFFF are not well-formed.
size_t SequenceLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) {
    return 1;
  }
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) {
    return 0;
  }
  if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length),
                   IsContinuation)) {
    return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool bad = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                   (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return bad ? 0 : length;
}

}  // namespace

bool HasControlCharacters(std::string_view text) {
  for (; !text.empty(); text.remove_prefix(1)) {
    if (ControlLength(text) != 0) {
      return true;
    }
  }
  return false;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

std::string Printable(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0 || ControlLength(text) != 0) {
      out.push_back('?');
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string Quoted(std::string_view text) {
  constexpr size_t kMost = 64;
  if (text.size() <= kMost) {
    return "'" + std::string(text) + "'";
  }
  size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return "'" + std::string(text.substr(0, end)) + "...'";
}

bool IsModelName(std::string_view text) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (text.empty() || text.size() > 32 || !lower(text[0])) {
    return false;
  }
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '-'; });
}

}  // namespace svirt
