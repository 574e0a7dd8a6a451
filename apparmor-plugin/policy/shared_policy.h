// SPDX-License-Identifier: LGPL-2.1-or-later
// What is compiled once for all domains, as a part of the plugin.
#pragma once

#include <string_view>

namespace svirt::apparmor {

// The shared part as one compiled profile.
std::string_view SharedImage();

// The same in the language of profiles: rules, without a profile around them.
std::string_view SharedRules();

// The kernel features it was compiled for, as the parser reads them.
std::string_view PolicyFeatures();

}  // namespace svirt::apparmor
