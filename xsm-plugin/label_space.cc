// SPDX-License-Identifier: LGPL-2.1-or-later
// Counts categories and users by asking for contexts, and tests whether they keep domains apart.
#include "label_space.h"

#include <svirt/sdk.h>
#include <svirt/sdk_category_pair.h>

#include <cerrno>
#include <charconv>
#include <optional>

#include "access.h"
#include "labels.h"

namespace svirt::flask {
namespace {

constexpr const char *kUserRole = "vm_r";
constexpr std::string_view kUserPrefix = "user_";
// Numbers of users may have gaps; after so many that are missing there are no more.
constexpr uint64_t kUserGap = 32;

// The number in "user_N"; nullopt if it is not such a user.
std::optional<uint64_t> UserNumber(std::string_view user) {
  if (user.substr(0, kUserPrefix.size()) != kUserPrefix) {
    return std::nullopt;
  }
  user.remove_prefix(kUserPrefix.size());
  uint64_t number = 0;
  const char *end = user.data() + user.size();
  const auto [at, error] = std::from_chars(user.data(), end, number);
  const bool is_plain = !user.empty() && (user.size() == 1 || user.front() != '0');
  if (error != std::errc() || at != end || !is_plain || number >= kMaxUsers) {
    return std::nullopt;
  }
  return number;
}

// Is the context with that category alone valid?
int HasCategory(XenApi *api, Context context, unsigned category, bool *has) {
  context.range->low.categories.reset().set(category);
  context.range->high = context.range->low;
  const int errnum = CheckContext(api, context);
  *has = errnum == 0;
  return errnum == EINVAL ? 0 : errnum;
}

// The number of categories, which policies count from c0 without a gap.
int CountCategories(XenApi *api, const Context &base, unsigned *count) {
  unsigned known = 0, beyond = sdk::kCategories + 1;  // the first `known` are valid
  while (known + 1 < beyond) {
    const unsigned middle = known + (beyond - known) / 2;
    bool has = false;
    if (const int errnum = HasCategory(api, base, middle - 1, &has); errnum != 0) {
      return errnum;
    }
    (has ? known : beyond) = middle;
  }
  *count = known;
  return 0;
}

int FindUsers(XenApi *api, const Context &base, uint64_t most_users, LabelSpace *space) {
  uint64_t missing = 0;
  for (uint64_t number = 0; number < kMaxUsers && missing < kUserGap && space->count < most_users;
       ++number) {
    const uint64_t index = kFirstUserIndex + number;
    Context context;
    LabelOfIndex(base, index, &context);
    const int errnum = CheckContext(api, context);
    if (errnum != 0 && errnum != EINVAL) {
      return errnum;
    }
    missing = errnum == 0 ? 0 : missing + 1;
    if (errnum != 0) {
      continue;
    }
    ++space->count;
    if (!space->runs.empty() && space->runs.back().first + space->runs.back().count == index) {
      ++space->runs.back().count;
    } else {
      space->runs.push_back({index, 1});
    }
  }
  return 0;
}

// Does the policy keep two domains apart that have two of the labels? Neighbours, for they have
// most in common.
int TellsApart(XenApi *api, const Context &base, const std::vector<svirt_index_run> &runs,
               bool *apart) {
  *apart = false;
  if (runs.empty() || (runs.size() == 1 && runs[0].count < 2)) {
    return 0;
  }
  const uint64_t next = runs[0].count > 1 ? runs[0].first + 1 : runs[1].first;
  Context one, other;
  LabelOfIndex(base, runs[0].first, &one);
  LabelOfIndex(base, next, &other);
  return AreKeptApart(api, sdk::FormatContext(one), sdk::FormatContext(other), apart);
}

}  // namespace

bool LabelOfIndex(const Context &base, uint64_t index, Context *label) {
  *label = base;
  if (index == kSharedIndex) {
    return true;
  }
  if (index - kFirstPairIndex < sdk::kPairs) {
    if (!base.range) {
      return false;
    }
    const sdk::CategoryPair pair = sdk::PairOfIndex(index - kFirstPairIndex);
    sdk::Level level;
    level.sensitivity = base.range->low.sensitivity;
    level.categories.set(pair.lo).set(pair.hi);
    label->range = sdk::Range{level, level};
    return true;
  }
  if (index < kFirstUserIndex || index - kFirstUserIndex >= kMaxUsers) {
    return false;
  }
  label->user = std::string(kUserPrefix) + std::to_string(index - kFirstUserIndex);
  label->role = kUserRole;
  return true;
}

int FindLabelSpace(XenApi *api, const Context &base, uint64_t most_users, LabelSpace *space) {
  bool apart = false;
  if (base.range) {
    unsigned categories = 0;
    int errnum = CountCategories(api, base, &categories);
    LabelSpace found{Distinction::kCategories, categories, {}};
    if (categories >= 2) {
      found.runs.push_back({kFirstPairIndex, sdk::PairIndex({0, categories})});
    }
    if (errnum == 0) {
      errnum = TellsApart(api, base, found.runs, &apart);
    }
    if (errnum != 0 || apart) {
      *space = std::move(found);
      return errnum;
    }
  }
  LabelSpace found{Distinction::kUsers, 0, {}};
  int errnum = FindUsers(api, base, most_users, &found);
  if (errnum == 0) {
    errnum = TellsApart(api, base, found.runs, &apart);
  }
  *space = apart ? std::move(found) : LabelSpace{};
  return errnum;
}

svirt_status AvailableIndexes(XenApi *api, const svirt_domain &domain, bool may_share,
                              std::vector<svirt_index_run> *runs, svirt_error *error) {
  runs->clear();
  if (domain.label_type != SVIRT_LABEL_DYNAMIC) {
    return SVIRT_OK;
  }
  Context base;
  const svirt_status status = DynamicBase(api, domain, &base, error);
  if (status != SVIRT_OK) {
    return status;
  }
  LabelSpace space;
  if (const int errnum = FindLabelSpace(api, base, kMaxUsers, &space); errnum != 0) {
    return CallFailed(errnum, "find out what tells domains apart", error);
  }
  if (space.by == Distinction::kNothing && !may_share) {
    return sdk::Fail(
        error, SVIRT_E_NOTSUP, 0,
        "the loaded policy keeps no two domains of type %s apart, neither by "
        "categories nor by users user_1, user_2, ... of role vm_r: load one that does, "
        "give each domain a static label, or let them share one with "
        "shared_base_label = yes under [model flask] in svirt.conf",
        base.type.c_str());
  }
  *runs = std::move(space.runs);
  return SVIRT_OK;
}

svirt_status ClaimedIndexes(std::string_view label, std::vector<svirt_index_run> *runs,
                            svirt_error *error) {
  runs->clear();
  std::string why;
  const auto context = sdk::ParseContext(label, &why);
  if (!context) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0, "'%.256s' is not a security context: %s",
                     std::string(label).c_str(), why.c_str());
  }
  *runs = sdk::PairsTouchedBy(context->high().categories);
  for (svirt_index_run &run : *runs) {
    run.first += kFirstPairIndex;
  }
  const auto number = context->role == kUserRole ? UserNumber(context->user) : std::nullopt;
  if (number) {
    runs->push_back({kFirstUserIndex + *number, 1});
  }
  return SVIRT_OK;
}

}  // namespace svirt::flask
