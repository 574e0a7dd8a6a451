// SPDX-License-Identifier: LGPL-2.1-or-later
// Set operations by binary search and merging of runs.
#include "host/labels/index_runs.h"

#include <algorithm>
#include <utility>

namespace svirt {
namespace {

// The first run that ends after index.
IndexRuns::const_iterator FindRun(const IndexRuns &runs, uint64_t index) {
  return std::partition_point(runs.begin(), runs.end(), [index](const IndexRun &run) {
    return run.first + run.count <= index;
  });
}

}  // namespace

bool IsIndexSet(const IndexRuns &runs) {
  uint64_t end = 0;
  for (const IndexRun &run : runs) {
    if (run.count == 0 || run.first < end || run.first >= kIndexEnd ||
        run.count > kIndexEnd - run.first) {
      return false;
    }
    end = run.first + run.count;
  }
  return true;
}

uint64_t CountIndexes(const IndexRuns &runs) {
  uint64_t count = 0;
  for (const IndexRun &run : runs) {
    count += run.count;
  }
  return count;
}

bool ContainsIndex(const IndexRuns &runs, uint64_t index) {
  const auto run = FindRun(runs, index);
  return run != runs.end() && run->first <= index;
}

std::optional<uint64_t> NextIndex(const IndexRuns &runs, uint64_t from) {
  const auto run = FindRun(runs, from);
  if (run == runs.end()) {
    return std::nullopt;
  }
  return std::max(run->first, from);
}

uint64_t NthIndex(const IndexRuns &runs, uint64_t n) {
  auto run = runs.begin();
  while (n >= run->count) {
    n -= run->count;
    ++run;
  }
  return run->first + n;
}

IndexRuns SubtractIndexes(const IndexRuns &runs, IndexRuns taken) {
  std::sort(taken.begin(), taken.end(),
            [](const IndexRun &a, const IndexRun &b) { return a.first < b.first; });
  IndexRuns left;
  for (const IndexRun &run : runs) {
    uint64_t at = run.first;
    const uint64_t end = run.first + run.count;
    for (const IndexRun &hole : taken) {
      if (hole.first >= end) {
        break;
      }
      if (hole.first > at) {
        left.push_back({at, hole.first - at});
      }
      at = std::max(at, hole.first + hole.count);
    }
    if (at < end) {
      left.push_back({at, end - at});
    }
  }
  return left;
}

}  // namespace svirt
