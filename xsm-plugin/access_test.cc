// SPDX-License-Identifier: LGPL-2.1-or-later
// Two labels may do together exactly what the policy says, and apart means in every way.
#include "access.h"

#include <gtest/gtest.h>
#include <svirt/ext/draft/access.h>

#include "flask_classes.h"
#include "testing/fake_xen.h"

namespace svirt::flask {
namespace {

constexpr const char *kOne = "user_1:vm_r:domU_t", *kTwo = "user_2:vm_r:domU_t";
constexpr const char *kDom0 = "system_u:system_r:dom0_t";
constexpr uint32_t kAllRights =
    SVIRT_MAY_READ_MEMORY | SVIRT_MAY_WRITE_MEMORY | SVIRT_MAY_COPY_MEMORY | SVIRT_MAY_NOTIFY;

uint32_t Ask(FakeXen *xen, const char *source, const char *target) {
  uint32_t may = 0xffff;
  Error error;
  EXPECT_EQ(AskAccess(xen, source, target, &may, &error), SVIRT_OK) << error.message;
  return may;
}

TEST(AccessTest, UsersAreKeptApartAndTheControlDomainIsNot) {
  FakeXen xen;
  EXPECT_EQ(Ask(&xen, kOne, kTwo), 0U);
  EXPECT_EQ(Ask(&xen, kTwo, kOne), 0U);
  EXPECT_EQ(Ask(&xen, kOne, kOne), kAllRights);
  EXPECT_EQ(Ask(&xen, kDom0, kOne), kAllRights);
  EXPECT_EQ(Ask(&xen, kOne, kDom0), kAllRights);
}

TEST(AccessTest, EachPermissionIsAskedFor) {
  const struct {
    uint16_t security_class;
    uint32_t permission, missing;
  } kRows[] = {{kClassGrant, kGrantMapRead, SVIRT_MAY_READ_MEMORY},
               {kClassGrant, kGrantMapWrite, SVIRT_MAY_WRITE_MEMORY},
               {kClassGrant, kGrantCopy, SVIRT_MAY_COPY_MEMORY},
               {kClassEvent, kEventBind, SVIRT_MAY_NOTIFY},
               {kClassEvent, kEventCreate, SVIRT_MAY_NOTIFY}};
  for (const auto &row : kRows) {
    FakeXen xen;
    xen.denied = {{row.security_class, row.permission}};
    EXPECT_EQ(Ask(&xen, kDom0, kOne), kAllRights & ~row.missing);
  }
}

// One way to reach each other is one too many.
TEST(AccessTest, KeptApartMeansInEveryWay) {
  FakeXen xen;
  bool apart = false;
  EXPECT_EQ(AreKeptApart(&xen, kOne, kTwo, &apart), 0);
  EXPECT_TRUE(apart);
  xen.users_matter = false;
  const std::pair<uint16_t, uint32_t> kWays[] = {{kClassGrant, kGrantMapRead},
                                                 {kClassGrant, kGrantMapWrite},
                                                 {kClassGrant, kGrantCopy},
                                                 {kClassEvent, kEventBind}};
  xen.denied = {std::begin(kWays), std::end(kWays)};
  EXPECT_EQ(AreKeptApart(&xen, kOne, kTwo, &apart), 0);
  EXPECT_TRUE(apart);
  for (const auto &way : kWays) {
    xen.denied = {std::begin(kWays), std::end(kWays)};
    xen.denied.erase(way);
    EXPECT_EQ(AreKeptApart(&xen, kOne, kTwo, &apart), 0);
    EXPECT_FALSE(apart) << way.first << " " << way.second;
  }
}

TEST(AccessTest, LabelsThePolicyLacksAreRefused) {
  FakeXen xen;
  uint32_t may = 4711;
  Error error;
  EXPECT_EQ(AskAccess(&xen, kOne, "user_9:vm_r:domU_t", &may, &error), SVIRT_E_INVALID);
  EXPECT_EQ(may, 4711U);
}

}  // namespace
}  // namespace svirt::flask
