// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel's Landlock interface up to ABI 7 (Linux 6.15). Our own, because the headers of a
// distribution are often older than the kernels it runs on, and what they lack must still be asked
// for: a right that a ruleset does not handle is a right the kernel does not withhold.
#pragma once

#include <cstdint>

namespace svirt::landlock {

// The same numbers on every architecture: the calls are younger than the unified table.
inline constexpr long kSysCreateRuleset = 444;
inline constexpr long kSysAddRule = 445;
inline constexpr long kSysRestrictSelf = 446;

inline constexpr uint32_t kCreateRulesetVersion = 1;
inline constexpr uint32_t kRulePathBeneath = 1;

// landlock_ruleset_attr. The kernel takes any size and refuses (E2BIG) what it does not know only
// if that is not zero.
struct RulesetAttr {
  uint64_t handled_access_fs;
  uint64_t handled_access_net;  // ABI 4
  uint64_t scoped;              // ABI 6
};

// landlock_path_beneath_attr.
struct PathBeneathAttr {
  uint64_t allowed_access;
  int32_t parent_fd;
} __attribute__((packed));
static_assert(sizeof(PathBeneathAttr) == 12);

inline constexpr uint64_t kExecute = 1ULL << 0;
inline constexpr uint64_t kWriteFile = 1ULL << 1;
inline constexpr uint64_t kReadFile = 1ULL << 2;
inline constexpr uint64_t kReadDir = 1ULL << 3;
inline constexpr uint64_t kRemoveDir = 1ULL << 4;
inline constexpr uint64_t kRemoveFile = 1ULL << 5;
inline constexpr uint64_t kMakeChar = 1ULL << 6;
inline constexpr uint64_t kMakeDir = 1ULL << 7;
inline constexpr uint64_t kMakeReg = 1ULL << 8;
inline constexpr uint64_t kMakeSock = 1ULL << 9;
inline constexpr uint64_t kMakeFifo = 1ULL << 10;
inline constexpr uint64_t kMakeBlock = 1ULL << 11;
inline constexpr uint64_t kMakeSym = 1ULL << 12;
inline constexpr uint64_t kRefer = 1ULL << 13;     // ABI 2; always withheld before
inline constexpr uint64_t kTruncate = 1ULL << 14;  // ABI 3
inline constexpr uint64_t kIoctlDev = 1ULL << 15;  // ABI 5

inline constexpr uint64_t kFirstRights = (1ULL << 13) - 1;  // all of ABI 1
// Rights a rule may give on something that is not a directory.
inline constexpr uint64_t kFileRights = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDev;

inline constexpr uint64_t kScopeAbstractUnix = 1ULL << 0;  // ABI 6
inline constexpr uint64_t kScopeSignal = 1ULL << 1;        // ABI 6

}  // namespace svirt::landlock
