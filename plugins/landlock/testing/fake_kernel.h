// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests: a kernel that only notes its rulesets.
#pragma once

#include <map>
#include <string>

#include "kernel_features.h"

namespace svirt::landlock {

// A stand-in for a kernel of any Landlock level: it refuses what that kernel would refuse, and
// writes down what it was asked for. Must outlive the calls it hands out.
class FakeKernel {
 public:
  explicit FakeKernel(int level);

  KernelCalls Calls();

  // What the level comes down to; change them for kernels that do not have all of it.
  int level;
  uint64_t rights, scopes;
  bool has_scope_member;
  int version_error = 0;  // errno of the question for the version, or 0
  int create_error = 0;   // errno of every ruleset, or 0
  int rule_error = 0;     // errno of every rule, or 0

  // The last ruleset.
  RulesetAttr handled{};
  std::map<std::string, uint64_t> rules;  // by real path

 private:
  int Create(const RulesetAttr *attr, uint32_t flags);
  int AddRule(const PathBeneathAttr &rule);
};

}  // namespace svirt::landlock
