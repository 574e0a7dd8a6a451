// SPDX-License-Identifier: LGPL-2.1-or-later
// Set operations on runs of indexes, held against sets of single numbers.
#include "host/labels/index_runs.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace svirt {
namespace {

TEST(IndexRuns, KnowsWhatIsASet) {
  EXPECT_TRUE(IsIndexSet({}));
  EXPECT_TRUE(IsIndexSet({{0, 1}, {1, 5}, {10, 1}}));
  EXPECT_FALSE(IsIndexSet({{0, 0}}));
  EXPECT_FALSE(IsIndexSet({{5, 2}, {6, 1}}));
  EXPECT_FALSE(IsIndexSet({{5, 1}, {1, 1}}));
  EXPECT_TRUE(IsIndexSet({{0, kIndexEnd}}));
  EXPECT_FALSE(IsIndexSet({{1, kIndexEnd}}));
  EXPECT_FALSE(IsIndexSet({{~uint64_t{0}, 1}}));
}

std::set<uint64_t> Expand(const IndexRuns &runs) {
  std::set<uint64_t> members;
  for (const IndexRun &run : runs) {
    for (uint64_t i = 0; i < run.count; ++i) {
      members.insert(run.first + i);
    }
  }
  return members;
}

// Every function against the set of its members, on many random sets.
TEST(IndexRuns, AgreesWithASetOfNumbers) {
  std::mt19937 random(1);
  const auto draw = [&random](uint64_t limit) { return random() % limit; };
  for (int round = 0; round < 500; ++round) {
    IndexRuns runs;
    uint64_t at = draw(5);
    for (uint64_t i = draw(6); i > 0; --i) {
      const uint64_t count = 1 + draw(6);
      runs.push_back({at, count});
      at += count + draw(5);
    }
    IndexRuns holes;
    for (uint64_t i = draw(6); i > 0; --i) {
      holes.push_back({draw(40), 1 + draw(8)});
    }
    ASSERT_TRUE(IsIndexSet(runs));
    const auto members = Expand(runs);
    EXPECT_EQ(CountIndexes(runs), members.size());
    for (uint64_t i = 0; i < 80; ++i) {
      EXPECT_EQ(ContainsIndex(runs, i), members.contains(i));
      const auto next = members.lower_bound(i);
      EXPECT_EQ(NextIndex(runs, i),
                next == members.end() ? std::nullopt : std::optional<uint64_t>(*next));
    }
    uint64_t n = 0;
    for (const uint64_t member : members) {
      EXPECT_EQ(NthIndex(runs, n++), member);
    }
    auto left = members;
    for (const uint64_t hole : Expand(holes)) {
      left.erase(hole);
    }
    const IndexRuns difference = SubtractIndexes(runs, holes);
    EXPECT_TRUE(IsIndexSet(difference));
    EXPECT_EQ(Expand(difference), left);
  }
}

}  // namespace
}  // namespace svirt
