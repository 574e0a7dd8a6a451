// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes text from outside fit to be shown.
#pragma once

#include <string>
#include <string_view>

namespace svirt {

// Are there control characters: C0 (NUL is one of them), DEL, or C1 in UTF-8?
bool HasControlCharacters(std::string_view text);

bool IsUtf8(std::string_view text);

// The text with every control character and every byte that is not UTF-8 replaced by '?', final
// newlines dropped: what a plugin or a file said, fit for a terminal, a log line and JSON.
std::string Printable(std::string_view text);

// The text in single quotes for an error, at most its first 64 bytes, whole characters of UTF-8.
std::string Quoted(std::string_view text);

// [a-z][a-z0-9-]{0,31}, the grammar of a model's name.
bool IsModelName(std::string_view text);

}  // namespace svirt
