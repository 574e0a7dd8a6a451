// SPDX-License-Identifier: LGPL-2.1-or-later
// The numbering of category pairs under which all processes of a host reserve labels.
//
// A dynamic label has exactly two different categories: no pair is a subset of another one, so no
// domain's label dominates another's (one category alone would be dominated by every pair that
// holds it, CVE-2021-3631). Pairs are numbered co-lexicographically, {lo, hi} -> hi(hi-1)/2 + lo:
// the number of a pair does not depend on which categories a process may use, and the pairs of
// c0.cN are the numbers from 0 on without a gap.
#pragma once

#include <svirt/plugin.h>

#include <cstdint>
#include <vector>

#include "level.h"

namespace svirt::selinux {

inline constexpr uint64_t kPairs = uint64_t{kCategories} * (kCategories - 1) / 2;

struct CategoryPair {
  unsigned lo = 0, hi = 0;  // lo < hi
};

uint64_t PairIndex(CategoryPair pair);

// index < kPairs.
CategoryPair PairOfIndex(uint64_t index);

// All pairs of categories in set, as ascending, disjoint runs that do not touch.
std::vector<svirt_index_run> PairsWithin(const CategorySet &set);

// All pairs whose domains could reach an object with these categories, or whose objects a domain
// with these categories could reach: those within the set; for one category alone, those that hold
// it; for none at all, none.
std::vector<svirt_index_run> PairsTouchedBy(const CategorySet &set);

}  // namespace svirt::selinux
