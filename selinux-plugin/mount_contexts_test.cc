// SPDX-License-Identifier: LGPL-2.1-or-later
// Mounts with one label for everything are found in a list of mounts.
#include "mount_contexts.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace svirt::selinux {
namespace {

using testing::ElementsAre;

TEST(MountContexts, AreThoseWithTheOptionContext) {
  EXPECT_THAT(
      MountsWithContext(
          "20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,seclabel\n"
          "21 20 0:31 / /a rw - tmpfs tmpfs rw,context=system_u:object_r:virt_image_t:s0,size=9k\n"
          "22 20 0:32 / /b rw - nfs4 host:/x context=\"system_u:object_r:x:s0:c1,c2\"\n"
          "23 20 0:33 / /c rw - tmpfs tmpfs rw,rootcontext=system_u:object_r:x:s0,seclabel\n"
          "24 20 0:34 / /d rw - ext4 /dev/b rw,fscontext=u:r:t:s0,defcontext=u:r:t:s0,seclabel\n"),
      ElementsAre(21, 22));
}

TEST(MountContexts, OfThisProcess) {
  MountContexts mounts;
  struct statx st {};
  ASSERT_EQ(::statx(AT_FDCWD, "/proc/self", 0, STATX_MNT_ID, &st), 0);
  bool has = true;
  EXPECT_EQ(mounts.Has(st.stx_mnt_id, &has), 0);
  EXPECT_FALSE(has);
}

}  // namespace
}  // namespace svirt::selinux
