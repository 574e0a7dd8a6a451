// SPDX-License-Identifier: LGPL-2.1-or-later
// What tells domains apart under the loaded policy, and the numbering of labels made from it.
//
// A policy is not taken at its word: it may have categories that no rule looks at, as Xen's own
// example does when it is built with MLS. So two labels are made and the hypervisor is asked
// whether their domains could share grants or bind event channels.
#pragma once

#include <svirt/plugin.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "check.h"

namespace svirt::flask {

// The numbers under which all processes of a host reserve labels: the base label that domains
// share; from 1 on pairs of categories (sdk_category_pair.h); from kFirstUserIndex on the users
// user_0, user_1, ... of role vm_r.
inline constexpr uint64_t kSharedIndex = 0;
inline constexpr uint64_t kFirstPairIndex = 1;
inline constexpr uint64_t kFirstUserIndex = uint64_t{1} << 20;
inline constexpr uint64_t kMaxUsers = 4096;

enum class Distinction { kNothing, kCategories, kUsers };

struct LabelSpace {
  Distinction by = Distinction::kNothing;
  size_t count = 0;                   // of categories or users
  std::vector<svirt_index_run> runs;  // indexes that labels may have
};

// The label with that number; false if none can have it. The policy may still lack it.
bool LabelOfIndex(const Context &base, uint64_t index, Context *label);

// What keeps domains with the base label's type apart; of users the first ones up to most_users,
// for each costs a call. 0 or an errno.
int FindLabelSpace(XenApi *api, const Context &base, uint64_t most_users, LabelSpace *space);

// Indexes that a dynamic label of the domain may have; empty for the shared label, which is only
// for a host that says may_share. SVIRT_E_NOTSUP: the policy tells no domains apart.
svirt_status AvailableIndexes(XenApi *api, const svirt_domain &domain, bool may_share,
                              std::vector<svirt_index_run> *runs, svirt_error *error);

// Indexes that label takes from other domains.
svirt_status ClaimedIndexes(std::string_view label, std::vector<svirt_index_run> *runs,
                            svirt_error *error);

}  // namespace svirt::flask
