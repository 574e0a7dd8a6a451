// SPDX-License-Identifier: LGPL-2.1-or-later
// What the administrator has laid down, in files of the plugin's own directory:
//
//   UUID.rules     rules in the language of apparmor.d(5), added to the domain's profile
//   UUID.complain  a time such as 2027-01-31T12:00:00Z: a profile that is loaded before then only
//                  logs what it would deny
//
// They outlive the domain's profiles, which are made anew at each start.
#pragma once

#include <svirt/plugin.h>

#include <ctime>
#include <optional>
#include <string>

namespace svirt::apparmor {

struct LocalPolicy {
  std::string rules;  // "" for none
  std::optional<std::time_t> complain_until;
};

// Files that others than root or this user could have written are refused; so is a time that is
// none. Files that are not there are nothing.
svirt_status LoadLocalPolicy(const std::string &directory, const std::string &uuid,
                             LocalPolicy *policy, svirt_error *error);

}  // namespace svirt::apparmor
