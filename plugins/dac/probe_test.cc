// SPDX-License-Identifier: LGPL-2.1-or-later
// The model is active only with the privileges and ids that it needs, and says what is missing.
#include "probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "plugin_fixture.h"

namespace svirt::dac {
namespace {

using testing::HasSubstr;

class Probe : public testing::Test {
 protected:
  svirt_status Ask(const char *virt_type = "kvm") {
    return ProbeDriver(privileges_, range_, virt_type, &reason_);
  }

  static Privileges All() {
    Privileges all;
    all.chown = all.setuid = all.setgid = true;
    all.map = {{{0, UINT32_MAX}}, {{0, UINT32_MAX}}};
    return all;
  }

  Privileges privileges_ = All();
  IdRange range_{500000, 10};
  svirt_error reason_ = sdk::MakeError();
};

TEST_F(Probe, IsActiveWithAllItNeeds) {
  EXPECT_EQ(Ask(), SVIRT_OK);
  EXPECT_STREQ(reason_.message,
               "domains get user and group ids of their own, from 500000 to 500009");
  EXPECT_EQ(Ask(nullptr), SVIRT_OK);
}

TEST_F(Probe, IsInactiveForXen) {
  EXPECT_EQ(Ask("xen"), SVIRT_INACTIVE);
  EXPECT_THAT(reason_.message, HasSubstr("Xen"));
}

TEST_F(Probe, NamesTheCapabilityThatIsMissing) {
  privileges_.setgid = false;
  EXPECT_EQ(Ask(), SVIRT_INACTIVE);
  EXPECT_THAT(reason_.message, HasSubstr("lacks CAP_SETGID;"));
  privileges_ = All();
  privileges_.chown = false;
  EXPECT_EQ(Ask(), SVIRT_INACTIVE);
  EXPECT_THAT(reason_.message, HasSubstr("lacks CAP_CHOWN;"));
  privileges_ = All();
  privileges_.setuid = privileges_.setgid = false;
  EXPECT_EQ(Ask(), SVIRT_INACTIVE);
  EXPECT_THAT(reason_.message, HasSubstr("lacks CAP_SETUID, CAP_SETGID;"));
}

TEST_F(Probe, IsInactiveWhereTheIdsDoNotExist) {
  privileges_.chown_errno = EINVAL;
  EXPECT_EQ(Ask(), SVIRT_INACTIVE);
  EXPECT_THAT(reason_.message, HasSubstr("500000 to 500009"));
  EXPECT_THAT(reason_.message, HasSubstr("first_id"));
}

TEST_F(Probe, IsActiveForTheIdsThatTheNamespaceHas) {
  privileges_.map.users = {{0, 1}, {500003, 2}, {500008, 100}};
  EXPECT_EQ(Ask(), SVIRT_OK);
  EXPECT_STREQ(reason_.message,
               "domains get user and group ids of their own, from 500003 to 500004 and 500008 to "
               "500009, which this user namespace has of those configured");
  privileges_.map.groups = {{0, 1}, {500005, 1}};
  EXPECT_EQ(Ask(), SVIRT_INACTIVE);
  EXPECT_THAT(reason_.message, HasSubstr("none of the ids 500000 to 500009"));
  EXPECT_THAT(reason_.message, HasSubstr("groups 0 to 0 and 500005 to 500005"));
}

TEST_F(Probe, DoesNotGuessAMapThatItCannotRead) {
  privileges_.map_errno = EACCES;
  EXPECT_EQ(Ask(), SVIRT_E_SYSTEM);
  EXPECT_THAT(reason_.message, HasSubstr("/proc/self/uid_map"));
}

TEST_F(Probe, ReadsWhatThisProcessMayDo) {
  const Privileges mine = ReadPrivileges(range_);
  if (::geteuid() != 0) {
    EXPECT_FALSE(mine.chown && mine.setuid && mine.setgid);
  } else if (mine.chown && mine.chown_errno != EINVAL) {
    EXPECT_EQ(mine.chown_errno, 0);
  }
}

}  // namespace
}  // namespace svirt::dac
