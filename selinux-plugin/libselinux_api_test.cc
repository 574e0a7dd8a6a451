// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be said of the real system without SELinux in its kernel; tests/kernel has the rest.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "selinux_api.h"

namespace svirt::selinux {
namespace {

TEST(LibselinuxApiTest, ObjectsAreReachedThroughPathDescriptors) {
  char path[] = "/tmp/svirt-selinux-XXXXXX";
  const int made = mkstemp(path);
  ASSERT_GE(made, 0);
  close(made);
  const int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const auto api = MakeLibselinuxApi();
  mode_t mode = 0;
  EXPECT_EQ(api->FdMode(fd, &mode), 0);
  EXPECT_TRUE(S_ISREG(mode));
  long magic = 0;
  EXPECT_EQ(api->FdFilesystem(fd, &magic), 0);
  EXPECT_NE(magic, 0);
  std::string label;
  const int errnum = api->FdContext(fd, &label);
  // With the descriptor alone this is EBADF; through /proc it is the file system that answers.
  EXPECT_TRUE(errnum == 0 || errnum == ENODATA || errnum == EOPNOTSUPP) << errnum;
  close(fd);
  unlink(path);
  EXPECT_EQ(api->FdMode(fd, &mode), EBADF);
}

// The very bytes that SELinux keeps in security.selinux, on any kernel that lets root write them.
TEST(LibselinuxApiTest, LabelIsWrittenAndTakenAway) {
  char path[] = "/tmp/svirt-selinux-XXXXXX";
  const int made = mkstemp(path);
  ASSERT_GE(made, 0);
  close(made);
  const int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  unlink(path);
  const auto api = MakeLibselinuxApi();
  if (api->Enabled() || geteuid() != 0) {
    close(fd);
    GTEST_SKIP() << "needs root, on a kernel without SELinux";
  }
  const std::string label = "system_u:object_r:svirt_image_t:s0:c1,c2";
  const int errnum = api->SetFdContext(fd, label);
  if (errnum == EOPNOTSUPP || errnum == EPERM) {
    close(fd);
    GTEST_SKIP() << "needs security.* attributes on the file system of /tmp";
  }
  ASSERT_EQ(errnum, 0);
  std::string read;
  EXPECT_EQ(api->FdContext(fd, &read), 0);
  EXPECT_EQ(read, label);
  EXPECT_EQ(api->RemoveFdContext(fd), 0);
  EXPECT_EQ(api->FdContext(fd, &read), ENODATA);
  close(fd);
}

TEST(LibselinuxApiTest, MissingProcessIsNoEntry) {
  std::string label;
  EXPECT_EQ(MakeLibselinuxApi()->ProcessContext(0x7FFFFFFF, &label), ENOENT);
}

TEST(LibselinuxApiTest, NoNewPrivsIsThatOfThisProcess) {
  EXPECT_EQ(MakeLibselinuxApi()->NoNewPrivs(), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

TEST(LibselinuxApiTest, EnabledImpliesRegistered) {
  const auto api = MakeLibselinuxApi();
  EXPECT_TRUE(!api->Enabled() || api->KernelRegistered());
}

}  // namespace
}  // namespace svirt::selinux
