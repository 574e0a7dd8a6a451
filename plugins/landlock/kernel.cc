// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the calls to the running kernel by syscall(2).
#include "kernel.h"

#include <unistd.h>

#include <cerrno>

namespace svirt::landlock {

namespace {

int CreateRuleset(const RulesetAttr *attr, uint32_t flags) {
  const size_t size = attr != nullptr ? sizeof *attr : 0;
  // Descriptors of rulesets are always close-on-exec.
  const long result = ::syscall(kSysCreateRuleset, attr, size, flags);
  return result < 0 ? -errno : static_cast<int>(result);
}

int AddRule(int ruleset, const PathBeneathAttr &rule) {
  const long result = ::syscall(kSysAddRule, ruleset, kRulePathBeneath, &rule, 0);
  return result < 0 ? -errno : 0;
}

}  // namespace

KernelCalls RunningKernel() {
  return {CreateRuleset, AddRule};
}

}  // namespace svirt::landlock
