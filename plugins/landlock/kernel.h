// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel as the plugin sees it: two functions, which tests replace.
#pragma once

#include <functional>

#include "landlock_abi.h"

namespace svirt::landlock {

// The two system calls that make a ruleset, so that tests can stand in for kernels of other ages.
// Both answer as system calls do: negative is -errno.
struct KernelCalls {
  // attr NULL and flags kCreateRulesetVersion: the ABI level; else a descriptor of a new ruleset.
  std::function<int(const RulesetAttr *attr, uint32_t flags)> create_ruleset;
  std::function<int(int ruleset, const PathBeneathAttr &rule)> add_rule;
};

// The running kernel's.
KernelCalls RunningKernel();

}  // namespace svirt::landlock
