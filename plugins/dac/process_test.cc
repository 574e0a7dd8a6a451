// SPDX-License-Identifier: LGPL-2.1-or-later
// The label of a process is read from the kernel, and half-changed ids are no label.
#include "process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <climits>

#include "plugin_fixture.h"

namespace svirt::dac {
namespace {

class Process : public testing::Test {
 protected:
  svirt_status Read(const std::string &uids, const std::string &gids) {
    return ReadIdentity(
        "Name:\tqemu\nUmask:\t0077\nUid:" + uids + "\nGid:" + gids + "\nFDSize:\t64\n", 77,
        &identity_, &error_);
  }

  Identity identity_{1, 1};
  svirt_error error_ = sdk::MakeError();
};

TEST_F(Process, IsWhatAllItsIdsAre) {
  ASSERT_EQ(Read("\t107\t107\t107\t107", "\t108\t108\t108\t108"), SVIRT_OK) << error_.message;
  EXPECT_EQ(identity_, (Identity{107, 108}));
}

TEST_F(Process, IsNothingIfOneOfThemDiffers) {
  const std::string same = "\t107\t107\t107\t107";
  for (const char *other : {"\t0\t107\t107\t107", "\t107\t0\t107\t107", "\t107\t107\t0\t107",
                            "\t107\t107\t107\t0", "\t107\t107\t107", "", "\tx\tx\tx\tx"}) {
    EXPECT_EQ(Read(other, same), SVIRT_E_DENIED) << other;
    EXPECT_EQ(Read(same, other), SVIRT_E_DENIED) << other;
  }
  EXPECT_EQ(identity_, (Identity{1, 1}));
  Read("\t107\t0\t107\t107", same);
  EXPECT_STREQ(error_.message,
               "process 77 is not one user and group alone: its user ids are 107 0 107 107, its "
               "group ids 107 107 107 107");
}

TEST_F(Process, IsAskedFromTheKernel) {
  ASSERT_EQ(ProcessIdentity(::getpid(), &identity_, &error_), SVIRT_OK) << error_.message;
  EXPECT_EQ(identity_, (Identity{::getuid(), ::getgid()}));
}

TEST_F(Process, MayBeGone) {
  for (const pid_t pid : {-1, 0, INT_MAX}) {
    EXPECT_EQ(ProcessIdentity(pid, &identity_, &error_), SVIRT_E_GONE) << pid;
  }
}

}  // namespace
}  // namespace svirt::dac
