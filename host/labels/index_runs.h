// SPDX-License-Identifier: LGPL-2.1-or-later
// Arithmetic on sets of label indexes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/loader/plugin.h"

namespace svirt {

// Sets of label indexes as ascending, disjoint runs, the form in which plugins give them.
using IndexRuns = std::vector<IndexRun>;

// One past the largest index that the registry can keep.
inline constexpr uint64_t kIndexEnd = uint64_t{1} << 62;

// Ascending, no empty run, nothing at or above kIndexEnd.
bool IsIndexSet(const IndexRuns &runs);

// How many indexes there are.
uint64_t CountIndexes(const IndexRuns &runs);

bool ContainsIndex(const IndexRuns &runs, uint64_t index);

// The smallest member that is at least from.
std::optional<uint64_t> NextIndex(const IndexRuns &runs, uint64_t from);

// The n-th member, from 0; n < CountIndexes(runs).
uint64_t NthIndex(const IndexRuns &runs, uint64_t n);

// Members of runs that are not in taken. taken may be in any order and overlap.
IndexRuns SubtractIndexes(const IndexRuns &runs, IndexRuns taken);

}  // namespace svirt
