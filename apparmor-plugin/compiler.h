// SPDX-License-Identifier: LGPL-2.1-or-later
// apparmor_parser as a function. It is needed only where an administrator's own rules have to be
// understood; what svirt itself grants is never given to it.
#pragma once

#include <svirt/plugin.h>

#include <string>
#include <string_view>

namespace svirt::apparmor {

// Where the parser is, "" if it is not installed.
std::string FindParser();

// The image of the one profile in text. The parser runs without the caller's environment, signals
// and descriptors, for half a minute at most. SVIRT_E_INVALID with the parser's own words if it
// refuses, SVIRT_E_NOTSUP if there is no parser.
svirt_status Compile(const std::string &parser, std::string_view text, std::string *image,
                     svirt_error *error);

}  // namespace svirt::apparmor
