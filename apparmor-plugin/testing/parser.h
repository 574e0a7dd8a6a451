// SPDX-License-Identifier: LGPL-2.1-or-later
// apparmor_parser, for tests that compare with it. It needs neither root nor a kernel with
// AppArmor.
#pragma once

#include <string>

namespace svirt::apparmor {

bool HasParser();

// The compiled form of a profile, for the features that the plugin is built with; "" and the
// parser's words if it refuses.
std::string RunParser(const std::string &text, std::string *errors);

}  // namespace svirt::apparmor
