// SPDX-License-Identifier: MIT
// The numbering of category pairs under which all processes of a host reserve labels.
//
// A dynamic label has exactly two different categories: no pair is a subset of another one, so no
// domain's label dominates another's (one category alone would be dominated by every pair that
// holds it, CVE-2021-3631). Pairs are numbered co-lexicographically, {lo, hi} -> hi(hi-1)/2 + lo:
// the number of a pair does not depend on which categories a process may use, and the pairs of
// c0.cN are the numbers from 0 on without a gap.
#pragma once

#include <svirt/plugin.h>
#include <svirt/sdk_context.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace svirt::sdk {

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

namespace internal {

inline uint64_t PairsBelow(uint64_t hi) {
  return hi * (hi - 1) / 2;
}

inline void Append(std::vector<svirt_index_run> *runs, uint64_t first, uint64_t count) {
  if (!runs->empty() && runs->back().first + runs->back().count == first) {
    runs->back().count += count;
  } else {
    runs->push_back({first, count});
  }
}

}  // namespace internal

inline uint64_t PairIndex(CategoryPair pair) {
  return internal::PairsBelow(pair.hi) + pair.lo;
}

inline CategoryPair PairOfIndex(uint64_t index) {
  auto hi = static_cast<uint64_t>((1.0 + std::sqrt(1.0 + 8.0 * static_cast<double>(index))) / 2.0);
  // The root is rounded; it may be off by one at the edges.
  while (internal::PairsBelow(hi) > index) {
    --hi;
  }
  while (internal::PairsBelow(hi + 1) <= index) {
    ++hi;
  }
  return {static_cast<unsigned>(index - internal::PairsBelow(hi)), static_cast<unsigned>(hi)};
}

inline std::vector<svirt_index_run> PairsWithin(const CategorySet &set) {
  std::vector<svirt_index_run> stretches;  // of categories, below the present one
  std::vector<svirt_index_run> runs;
  for (unsigned hi = 0; hi < kCategories; ++hi) {
    if (!set.test(hi)) {
      continue;
    }
    for (const svirt_index_run &stretch : stretches) {
      internal::Append(&runs, internal::PairsBelow(hi) + stretch.first, stretch.count);
    }
    internal::Append(&stretches, hi, 1);
  }
  return runs;
}

inline std::vector<svirt_index_run> PairsTouchedBy(const CategorySet &set) {
  if (set.count() != 1) {
    return PairsWithin(set);
  }
  std::vector<svirt_index_run> runs;
  const unsigned category = static_cast<unsigned>(set._Find_first());
  if (category > 0) {
    internal::Append(&runs, internal::PairsBelow(category), category);
  }
  for (unsigned hi = category + 1; hi < kCategories; ++hi) {
    internal::Append(&runs, internal::PairsBelow(hi) + category, 1);
  }
  return runs;
}

}  // namespace svirt::sdk
