// SPDX-License-Identifier: LGPL-2.1-or-later
// svirt-UUID-DIGEST: the domain, and the content that its profile was made with first, so that a
// stale profile is never taken for the current one. What is replaced while the domain runs keeps
// the name: a process cannot change it.
#pragma once

#include <string>
#include <string_view>

namespace svirt::apparmor {

std::string ProfileName(std::string_view uuid, std::string_view digest);

// A name that ProfileName can have made for this domain; for any domain if uuid is "".
bool IsProfileName(std::string_view name, std::string_view uuid);

}  // namespace svirt::apparmor
