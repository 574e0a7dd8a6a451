// SPDX-License-Identifier: LGPL-2.1-or-later
// Entries of three domains come and go on ACLs of every shape.
#include "acl_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <vector>

namespace svirt::dac {
namespace {

using testing::HasSubstr;

constexpr std::array<uid_t, 3> kDomains = {2'100'000'001, 2'100'000'002, 2'100'000'003};
constexpr Identity kOwner{0, 0};
constexpr uint32_t kUser = 1000, kGroup = 1001, kStranger = 65000;

Acl Make(mode_t mode, std::optional<unsigned> mask = std::nullopt, Acl::Named users = {},
         Acl::Named groups = {}) {
  Acl acl = FromMode(mode);
  acl.users = std::move(users);
  acl.groups = std::move(groups);
  acl.mask = mask;
  return acl;
}

// All shapes: with and without a named user and a named group, and every mask.
void ForEveryShape(const std::function<void(const Acl &)> &use) {
  for (unsigned shape = 0; shape < 8 * 3; ++shape) {
    constexpr std::array<unsigned, 3> kOthers = {0, 4, 5};
    for (int user = -1; user < 8; ++user) {
      for (const int group : {-1, 0, 4, 6}) {
        Acl acl = FromMode(0600 | (shape / 3) << 3 | kOthers[shape % 3]);
        if (user >= 0) {
          acl.users[kUser] = static_cast<unsigned>(user);
        }
        if (group >= 0) {
          acl.groups[kGroup] = static_cast<unsigned>(group);
        }
        if (user < 0 && group < 0) {
          use(acl);
        }
        for (unsigned mask = 0; mask < 8; ++mask) {
          acl.mask = mask;
          use(acl);
        }
      }
    }
  }
}

// What everybody may who is none of the domains.
std::vector<bool> RightsOfOthers(const Acl &acl) {
  std::vector<bool> rights;
  for (const uid_t uid : {kOwner.uid, kUser, kStranger}) {
    for (const gid_t gid : {kOwner.gid, kGroup, kStranger}) {
      for (unsigned want = 1; want <= 7; ++want) {
        rights.push_back(Allows(acl, kOwner, {uid, gid}, want));
      }
    }
  }
  return rights;
}

// Three domains in a random order, each with an entry and then without.
TEST(AclChange, ComesAndGoesInAnyOrderWithoutATrace) {
  std::mt19937 random(11);
  size_t set = 0, refused = 0;
  ForEveryShape([&](const Acl &first) {
    const std::vector<bool> others = RightsOfOthers(first);
    for (int round = 0; round < 3; ++round) {
      std::array<size_t, 6> order = {0, 0, 1, 1, 2, 2};
      std::shuffle(order.begin(), order.end(), random);
      std::array<bool, 3> seen = {}, has = {};
      Acl acl = first;
      for (const size_t who : order) {
        if (seen[who]) {
          acl = WithoutUser(acl, kDomains[who]);
          has[who] = false;
        } else {
          constexpr std::array<unsigned, 5> kNeeds = {4, 6, 2, 5, 7};
          const unsigned need = kNeeds[random() % kNeeds.size()];
          const AclChange change = WithUser(acl, kDomains[who], need);
          ASSERT_EQ(change.acl.has_value(), change.why_not.empty());
          seen[who] = true;
          has[who] = change.acl.has_value();
          (has[who] ? set : refused) += 1;
          acl = change.acl.value_or(acl);
          if (has[who]) {
            ASSERT_TRUE(Allows(acl, kOwner, {kDomains[who], kStranger}, need));
            ASSERT_EQ(acl.users[kDomains[who]], need);
            // Once more is the same.
            ASSERT_EQ(WithUser(acl, kDomains[who], need).acl, acl);
          }
        }
        ASSERT_EQ(RightsOfOthers(acl), others);
      }
      ASSERT_EQ(acl, first);
      ASSERT_EQ(WithoutUser(acl, kDomains[0]), first);
    }
  });
  EXPECT_GT(set, 10000u);
  EXPECT_GT(refused, 10000u) << "most masks here are what nobody would choose";
}

TEST(AclChange, IsNeverRefusedWhereTheMaskIsThatOfTheEntries) {
  ForEveryShape([](const Acl &acl) {
    const bool named = !acl.users.empty() || !acl.groups.empty();
    if (!acl.HasDerivedMask() || (acl.mask == 0u && named && acl.other != 0) ||
        (acl.mask && !named)) {
      return;
    }
    for (const unsigned need : {2u, 4u, 5u, 6u, 7u}) {
      ASSERT_EQ(WithUser(acl, kDomains[0], need).why_not, "");
    }
  });
}

TEST(AclChange, MakesAPlainFileLookLikeItsMaskMeanwhile) {
  const Acl file = FromMode(0600);
  const Acl with = *WithUser(file, kDomains[0], kRead).acl;
  EXPECT_EQ(with, Make(0600, 4, {{kDomains[0], 4}}));
  EXPECT_EQ(*WithUser(with, kDomains[1], kRead | kWrite).acl,
            Make(0600, 6, {{kDomains[0], 4}, {kDomains[1], 6}}));
  EXPECT_EQ(WithoutUser(with, kDomains[0]), file);
  EXPECT_EQ(WithoutUser(with, kDomains[1]), with);
}

TEST(AclChange, ReplacesAnEntryAndPutsItBack) {
  const Acl first = Make(0640, 7, {{kDomains[0], 7}, {kUser, 4}});
  const Acl with = *WithUser(first, kDomains[0], kRead).acl;
  EXPECT_EQ(with, Make(0640, 4, {{kDomains[0], 4}, {kUser, 4}}));
  EXPECT_EQ(WithUser(with, kDomains[0], 7).acl, first);
}

TEST(AclChange, KeepsAMaskThatIsNotTheEntries) {
  // Wider, and narrower: enough for the domain.
  const Acl wide = Make(0640, 7, {{kUser, 4}}), narrow = Make(0640, 4, {{kUser, 7}});
  for (const Acl &acl : {wide, narrow}) {
    const Acl with = *WithUser(acl, kDomains[0], kRead).acl;
    EXPECT_EQ(with.mask, acl.mask);
    EXPECT_EQ(WithoutUser(with, kDomains[0]), acl);
  }
}

TEST(AclChange, IsRefusedWhereOthersWouldGetMore) {
  const AclChange change = WithUser(Make(0640, 4, {{kUser, 6}}), kDomains[0], kRead | kWrite);
  EXPECT_FALSE(change.acl);
  EXPECT_THAT(change.why_not, HasSubstr("the mask of its ACL, r--, withholds"));
  EXPECT_THAT(change.why_not, HasSubstr("'setfacl -m m::rw-'"));
}

TEST(AclChange, IsRefusedWhereItCouldNotBeUndone) {
  const AclChange wide = WithUser(Make(0640, 6, {{kUser, 4}}), kDomains[0], kRead | kWrite);
  EXPECT_FALSE(wide.acl);
  EXPECT_THAT(wide.why_not, HasSubstr("rw-, is wider than the entries under it, r--"));
  EXPECT_THAT(wide.why_not, HasSubstr("'setfacl -m m::r--'"));
  const AclChange alone = WithUser(Make(0640, 4), kDomains[0], kRead);
  EXPECT_FALSE(alone.acl);
  EXPECT_THAT(alone.why_not, HasSubstr("'setfacl -b'"));
}

// Under the mask --- the kernel gives named users what everybody may: an entry would end that.
TEST(AclChange, IsRefusedWhereOthersWouldGetLess) {
  const AclChange change = WithUser(Make(0604, 0, {{kUser, 0}}), kDomains[0], kRead | kWrite);
  EXPECT_FALSE(change.acl);
  EXPECT_THAT(change.why_not, HasSubstr("entries that give nothing"));
}

}  // namespace
}  // namespace svirt::dac
