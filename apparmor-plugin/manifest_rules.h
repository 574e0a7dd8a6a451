// SPDX-License-Identifier: LGPL-2.1-or-later
// A domain's manifest as file rules: one resource, one rule, exactly its access.
#pragma once

#include <svirt/plugin.h>

#include <string>
#include <vector>

#include "file_rules.h"

namespace svirt::apparmor {

// What a resource is worth in rules; two for a directory, none if there is no access. Paths are
// those of the kernel, links resolved, since that is what AppArmor compares.
std::vector<FileRule> ResourceRules(const svirt_resource &resource);

// All rules of a domain, its emulator among them, merged and in order. Which paths no domain gets
// is the host's to say.
svirt_status DomainRules(const svirt_domain &domain, std::vector<FileRule> *rules,
                         svirt_error *error);

// "rwk", in the letters and the order of apparmor.d(5).
std::string PermissionLetters(uint32_t permissions);

// The path the kernel knows the object by, if it is there; else, as far as it is there.
std::string KernelPath(const svirt_resource &resource);

}  // namespace svirt::apparmor
