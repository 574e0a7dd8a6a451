// SPDX-License-Identifier: LGPL-2.1-or-later
// Adds a domain's own file rules to a compiled profile, without a compiler: what all domains share
// is compiled once, when the plugin is built, and each domain's paths, which have no wildcards, are
// grafted onto that automaton. The result is the automaton that apparmor_parser would make of the
// two texts together; file_rules_test.cc holds it to that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dfa.h"

namespace svirt::apparmor {

// Permissions of a file rule, in the kernel's bits for the owner half.
enum FilePermission : uint32_t {
  kMayExec = 0x241,  // under the same profile (ix), which includes mapping it
  kMayWrite = 0x0a,  // write and append (w)
  kMayRead = 0x04,
  kMayAppend = 0x08,
  kMayLink = 0x10,  // hard links within what the profile may use anyway; only of rules with below
  kMayLock = 0x20,
  kMayMap = 0x40,  // with PROT_EXEC (m)
};

struct FileRule {
  std::string path;    // absolute, any bytes but NUL
  bool below = false;  // path ends in '/', and everything below it is meant, not path itself
  uint32_t permissions = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a pointer in what the compiler writes
  auto operator<=>(const FileRule &) const = default;
};

// Rules in their order, one for each (path, below): the rest merged into it.
std::vector<FileRule> Merge(std::vector<FileRule> rules);

// base with the rules added. With limit no rule gives more than limit has for the path; it is base
// with everything allowed that base does not deny. nullopt: too many states.
std::optional<Dfa> AddRules(const Dfa &base, const Dfa *limit, const std::vector<FileRule> &rules);

}  // namespace svirt::apparmor
