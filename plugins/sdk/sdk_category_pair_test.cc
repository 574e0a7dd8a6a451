// SPDX-License-Identifier: MIT
// Pairs of categories are numbered one to one, and sets of pairs become the right runs.
#include <gtest/gtest.h>
#include <svirt/sdk_category_pair.h>

#include <algorithm>
#include <random>

namespace svirt::sdk {
namespace {

CategorySet Between(unsigned first, unsigned last) {
  CategorySet set;
  for (unsigned category = first; category <= last; ++category) {
    set.set(category);
  }
  return set;
}

// What the runs say, the plain way.
std::vector<uint64_t> Members(const std::vector<svirt_index_run> &runs) {
  std::vector<uint64_t> members;
  for (size_t i = 0; i < runs.size(); ++i) {
    // not empty, ascending, disjoint, merged
    if (runs[i].count == 0 || (i > 0 && runs[i].first <= runs[i - 1].first + runs[i - 1].count)) {
      ADD_FAILURE() << "run " << i << " is empty or does not stand apart from the one before it";
      break;
    }
    for (uint64_t k = 0; k < runs[i].count; ++k) {
      members.push_back(runs[i].first + k);
    }
  }
  return members;
}

std::vector<uint64_t> PairsOf(const CategorySet &set, bool (*wanted)(bool lo, bool hi)) {
  std::vector<uint64_t> members;
  for (unsigned hi = 1; hi < kCategories; ++hi) {
    for (unsigned lo = 0; lo < hi; ++lo) {
      if (wanted(set.test(lo), set.test(hi))) {
        members.push_back(PairIndex({lo, hi}));
      }
    }
  }
  return members;
}

// All 523,776 pairs: a bijection onto 0 ... kPairs-1, and an antichain, for all have the same size
// and no two are equal (CVE-2021-3631).
TEST(CategoryPairTest, NumberingIsABijection) {
  EXPECT_EQ(kPairs, 523776U);
  std::vector<bool> seen(kPairs);
  for (unsigned hi = 1; hi < kCategories; ++hi) {
    for (unsigned lo = 0; lo < hi; ++lo) {
      const uint64_t index = PairIndex({lo, hi});
      ASSERT_LT(index, kPairs);
      ASSERT_FALSE(seen[index]);
      seen[index] = true;
      const CategoryPair back = PairOfIndex(index);
      ASSERT_EQ(back.lo, lo);
      ASSERT_EQ(back.hi, hi);
      ASSERT_LT(back.lo, back.hi);
    }
  }
  EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](bool bit) { return bit; }));
}

TEST(CategoryPairTest, FullPrefixIsOneRun) {
  for (const unsigned last : {1U, 7U, 10U, 255U, 1023U}) {
    const auto runs = PairsWithin(Between(0, last));
    ASSERT_EQ(runs.size(), 1U) << last;
    EXPECT_EQ(runs[0].first, 0U);
    EXPECT_EQ(runs[0].count, uint64_t{last} * (last + 1) / 2);
  }
}

TEST(CategoryPairTest, RunsHoldExactlyThePairsOfTheSet) {
  std::mt19937 random(1);
  std::vector<CategorySet> sets = {Between(0, 5) | Between(7, 9), Between(512, 1023),
                                   CategorySet().set(1).set(3), CategorySet().set(0).set(1023)};
  for (int i = 0; i < 5; ++i) {
    CategorySet set;
    for (int k = 0; k < 40; ++k) {
      set.set(random() % kCategories);
    }
    sets.push_back(set);
  }
  for (const CategorySet &set : sets) {
    EXPECT_EQ(Members(PairsWithin(set)), PairsOf(set, [](bool lo, bool hi) { return lo && hi; }));
    EXPECT_EQ(Members(PairsTouchedBy(set)), Members(PairsWithin(set)));
  }
  EXPECT_TRUE(PairsWithin(CategorySet()).empty());
  EXPECT_TRUE(PairsWithin(CategorySet().set(5)).empty());
}

// A domain with {c5, c7} may open what is labelled {c5} alone.
TEST(CategoryPairTest, OneCategoryTouchesAllPairsThatHoldIt) {
  for (const unsigned category : {0U, 1U, 5U, 1022U, 1023U}) {
    const CategorySet set = CategorySet().set(category);
    const auto members = Members(PairsTouchedBy(set));
    EXPECT_EQ(members.size(), 1023U);
    EXPECT_EQ(members, PairsOf(set, [](bool lo, bool hi) { return lo || hi; }));
  }
  EXPECT_TRUE(PairsTouchedBy(CategorySet()).empty());
}

}  // namespace
}  // namespace svirt::sdk
