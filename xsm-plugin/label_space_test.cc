// SPDX-License-Identifier: LGPL-2.1-or-later
// Categories and users count only if the policy keeps domains apart by them.
#include "label_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <svirt/sdk_category_pair.h>

#include "labels.h"
#include "testing/fake_xen.h"

namespace svirt::flask {
namespace {

using testing::HasSubstr;

Context BaseOf(FakeXen *xen) {
  Context base;
  EXPECT_EQ(FindBaseLabel(xen, "xen", &base), 0);
  return base;
}

LabelSpace SpaceOf(FakeXen *xen) {
  LabelSpace space;
  EXPECT_EQ(FindLabelSpace(xen, BaseOf(xen), kMaxUsers, &space), 0);
  return space;
}

TEST(LabelSpaceTest, CategoriesAreCounted) {
  for (const unsigned count : {3U, 4U, 5U, 255U, 256U, 257U, 1023U, 1024U}) {
    FakeXen xen;
    xen.has_mls = xen.categories_matter = true;
    xen.categories = count;
    const LabelSpace space = SpaceOf(&xen);
    EXPECT_EQ(space.by, Distinction::kCategories) << count;
    EXPECT_EQ(space.count, count);
    ASSERT_EQ(space.runs.size(), 1U);
    EXPECT_EQ(space.runs[0].first, kFirstPairIndex);
    EXPECT_EQ(space.runs[0].count, uint64_t{count} * (count - 1) / 2);
    // The last of them is a label, and the one after it is none.
    Context last, beyond;
    ASSERT_TRUE(LabelOfIndex(BaseOf(&xen), space.runs[0].count, &last));
    EXPECT_EQ(CheckContext(&xen, last), 0);
    if (LabelOfIndex(BaseOf(&xen), space.runs[0].count + 1, &beyond)) {
      EXPECT_NE(CheckContext(&xen, beyond), 0);
    }
  }
}

// Two categories make one pair, with which nobody is told from anybody.
TEST(LabelSpaceTest, TooFewCategoriesAreNone) {
  for (const unsigned count : {0U, 1U, 2U}) {
    FakeXen xen;
    xen.has_mls = xen.categories_matter = true;
    xen.users_matter = false;
    xen.categories = count;
    EXPECT_EQ(SpaceOf(&xen).by, Distinction::kNothing) << count;
  }
}

// Xen's example policy has 256 categories when it is built with MLS, and no rule about grants that
// looks at them.
TEST(LabelSpaceTest, CategoriesThatDoNotMatterAreNotUsed) {
  FakeXen xen;
  xen.has_mls = true;
  const LabelSpace space = SpaceOf(&xen);
  EXPECT_EQ(space.by, Distinction::kUsers);
  Context label;
  ASSERT_TRUE(LabelOfIndex(BaseOf(&xen), space.runs[0].first, &label));
  EXPECT_EQ(sdk::FormatContext(label), "user_1:vm_r:domU_t:s0");
}

TEST(LabelSpaceTest, UsersAreFoundByAsking) {
  FakeXen xen;
  LabelSpace space = SpaceOf(&xen);
  EXPECT_EQ(space.by, Distinction::kUsers);
  EXPECT_EQ(space.count, 3U);
  ASSERT_EQ(space.runs.size(), 1U);
  EXPECT_EQ(space.runs[0].first, kFirstUserIndex + 1);
  EXPECT_EQ(space.runs[0].count, 3U);

  xen.users = {"system_u", "user_0", "user_1", "user_5", "user_30"};
  space = SpaceOf(&xen);
  EXPECT_EQ(space.count, 4U);
  ASSERT_EQ(space.runs.size(), 3U);
  EXPECT_EQ(space.runs[0].first, kFirstUserIndex);
  EXPECT_EQ(space.runs[0].count, 2U);
  EXPECT_EQ(space.runs[2].first, kFirstUserIndex + 30);

  xen.users = {"system_u"};
  for (int number = 0; number < 1000; ++number) {
    xen.users.insert("user_" + std::to_string(number));
  }
  EXPECT_EQ(SpaceOf(&xen).count, 1000U);
}

TEST(LabelSpaceTest, UsersThatDoNotMatterAreNotUsed) {
  FakeXen xen;
  xen.users_matter = false;
  EXPECT_EQ(SpaceOf(&xen).by, Distinction::kNothing);
  xen.users_matter = true;
  xen.users = {"system_u", "user_1"};  // one is not told from anybody
  EXPECT_EQ(SpaceOf(&xen).by, Distinction::kNothing);
}

TEST(LabelSpaceTest, SharingIsOnlyForWhoAllowsIt) {
  FakeXen xen;
  xen.users_matter = false;
  std::vector<svirt_index_run> runs;
  Error error;
  EXPECT_EQ(AvailableIndexes(&xen, MakeDomain(), false, &runs, &error), SVIRT_E_NOTSUP);
  EXPECT_THAT(error.text(), HasSubstr("shared_base_label = yes"));
  EXPECT_EQ(AvailableIndexes(&xen, MakeDomain(), true, &runs, &error), SVIRT_OK);
  EXPECT_TRUE(runs.empty());
  // It is no excuse where domains can be told apart.
  xen.users_matter = true;
  EXPECT_EQ(AvailableIndexes(&xen, MakeDomain(), true, &runs, &error), SVIRT_OK);
  EXPECT_FALSE(runs.empty());
}

TEST(LabelSpaceTest, StaticLabelsNeedNoIndex) {
  FakeXen xen;
  std::vector<svirt_index_run> runs = {{1, 1}};
  Error error;
  EXPECT_EQ(AvailableIndexes(&xen, MakeDomain(SVIRT_LABEL_STATIC), false, &runs, &error), SVIRT_OK);
  EXPECT_TRUE(runs.empty());
}

TEST(LabelSpaceTest, NumbersAndLabelsAreABijection) {
  const Context plain{"system_u", "system_r", "domU_t", std::nullopt};
  Context mls = plain, label;
  mls.range.emplace();
  std::set<std::string> seen;
  for (const uint64_t index :
       {kSharedIndex, kFirstPairIndex, kFirstPairIndex + 1, kFirstPairIndex + sdk::kPairs - 1,
        kFirstUserIndex, kFirstUserIndex + kMaxUsers - 1}) {
    ASSERT_TRUE(LabelOfIndex(mls, index, &label)) << index;
    EXPECT_TRUE(seen.insert(sdk::FormatContext(label)).second);
    std::vector<svirt_index_run> runs;
    Error error;
    ASSERT_EQ(ClaimedIndexes(sdk::FormatContext(label), &runs, &error), SVIRT_OK);
    if (index == kSharedIndex) {
      EXPECT_TRUE(runs.empty());
      continue;
    }
    ASSERT_EQ(runs.size(), 1U) << index;
    EXPECT_EQ(runs[0].first, index);
    EXPECT_EQ(runs[0].count, 1U);
  }
  EXPECT_FALSE(LabelOfIndex(plain, kFirstPairIndex, &label)) << "no categories without levels";
  EXPECT_FALSE(LabelOfIndex(mls, kFirstPairIndex + sdk::kPairs, &label));
  EXPECT_FALSE(LabelOfIndex(mls, kFirstUserIndex - 1, &label));
  EXPECT_FALSE(LabelOfIndex(mls, kFirstUserIndex + kMaxUsers, &label));
  EXPECT_FALSE(LabelOfIndex(mls, ~uint64_t{0}, &label));
}

TEST(LabelSpaceTest, StaticLabelsTakeWhatTheyHold) {
  const auto claim = [](const char *label) {
    std::vector<svirt_index_run> runs;
    Error error;
    EXPECT_EQ(ClaimedIndexes(label, &runs, &error), SVIRT_OK) << error.message;
    return runs;
  };
  EXPECT_TRUE(claim("system_u:system_r:domU_t").empty());
  EXPECT_TRUE(claim("system_u:system_r:domU_t:s0").empty());
  EXPECT_TRUE(claim("user_2:system_r:domU_t").empty()) << "another role";
  for (const char *user : {"user_", "user_x", "user_02", "user_1x", "user_99999", "admin_2"}) {
    EXPECT_TRUE(claim((std::string(user) + ":vm_r:domU_t").c_str()).empty()) << user;
  }
  // Of another type too, for rules are about users.
  auto runs = claim("user_2:vm_r:prot_domU_t");
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].first, kFirstUserIndex + 2);
  runs = claim("user_2:vm_r:domU_t:s0:c0.c2");
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].first, kFirstPairIndex);
  EXPECT_EQ(runs[0].count, 3U);
  EXPECT_EQ(runs[1].first, kFirstUserIndex + 2);
  std::vector<svirt_index_run> none;
  Error error;
  EXPECT_EQ(ClaimedIndexes("domU_t", &none, &error), SVIRT_E_INVALID);
}

}  // namespace
}  // namespace svirt::flask
