// SPDX-License-Identifier: LGPL-2.1-or-later
#include "category_pair.h"

#include <cmath>

namespace svirt::selinux {
namespace {

uint64_t PairsBelow(uint64_t hi) {
  return hi * (hi - 1) / 2;
}

void Append(std::vector<svirt_index_run> *runs, uint64_t first, uint64_t count) {
  if (!runs->empty() && runs->back().first + runs->back().count == first) {
    runs->back().count += count;
  } else {
    runs->push_back({first, count});
  }
}

}  // namespace

uint64_t PairIndex(CategoryPair pair) {
  return PairsBelow(pair.hi) + pair.lo;
}

CategoryPair PairOfIndex(uint64_t index) {
  auto hi = static_cast<uint64_t>((1.0 + std::sqrt(1.0 + 8.0 * static_cast<double>(index))) / 2.0);
  // The root is rounded; it may be off by one at the edges.
  while (PairsBelow(hi) > index) {
    --hi;
  }
  while (PairsBelow(hi + 1) <= index) {
    ++hi;
  }
  return {static_cast<unsigned>(index - PairsBelow(hi)), static_cast<unsigned>(hi)};
}

std::vector<svirt_index_run> PairsWithin(const CategorySet &set) {
  std::vector<svirt_index_run> stretches;  // of categories, below the present one
  std::vector<svirt_index_run> runs;
  for (unsigned hi = 0; hi < kCategories; ++hi) {
    if (!set.test(hi)) {
      continue;
    }
    for (const svirt_index_run &stretch : stretches) {
      Append(&runs, PairsBelow(hi) + stretch.first, stretch.count);
    }
    Append(&stretches, hi, 1);
  }
  return runs;
}

std::vector<svirt_index_run> PairsTouchedBy(const CategorySet &set) {
  if (set.count() != 1) {
    return PairsWithin(set);
  }
  std::vector<svirt_index_run> runs;
  const unsigned category = static_cast<unsigned>(set._Find_first());
  if (category > 0) {
    Append(&runs, PairsBelow(category), category);
  }
  for (unsigned hi = category + 1; hi < kCategories; ++hi) {
    Append(&runs, PairsBelow(hi) + category, 1);
  }
  return runs;
}

}  // namespace svirt::selinux
