// SPDX-License-Identifier: LGPL-2.1-or-later
// Quotes an emulator's last words in an error.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace svirt {

// text on one line, fit for a message: lines joined by "; ", what is not printable ASCII or UTF-8
// text turned to '?'. Emulators write what their guests tell them.
std::string OneLine(std::string_view text);

// The end of what was appended to the file since offset from, at most 1 KiB of it, as OneLine. ""
// if there is nothing or the file cannot be read.
std::string LogTail(const std::string &path, off_t from);

}  // namespace svirt
