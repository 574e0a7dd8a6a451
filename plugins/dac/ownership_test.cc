// SPDX-License-Identifier: LGPL-2.1-or-later
// Owners of real objects; what changes them needs the privilege to.
#include "ownership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include <cerrno>
#include <vector>

#include "plugin_fixture.h"
#include "testing/owned_file.h"

namespace svirt::dac {
namespace {

using sdk::MakeError;
using sdk::MakeResource;
using testing::HasSubstr;

class Ownership : public testing::Test {
 protected:
  svirt_status Set(const std::string &path, const Identity &owner) {
    const sdk::Fd fd = OpenPath(path);
    svirt_resource resource = MakeResource(path.c_str(), SVIRT_OBJ_ANY, SVIRT_ACCESS_READ);
    resource.fd = fd.get();
    return SetOwner(resource, owner, range_, &error_);
  }
  svirt_status Get(const std::string &path, Identity *owner) {
    const sdk::Fd fd = OpenPath(path);
    svirt_resource resource = MakeResource(path.c_str(), SVIRT_OBJ_ANY, SVIRT_ACCESS_READ);
    resource.fd = fd.get();
    return GetOwner(resource, owner, &error_);
  }
  std::string Disk(mode_t mode = 0600) {
    std::string path = dir_.File("disk");
    ::chmod(path.c_str(), mode);
    return path;
  }

  sdk::TempDir dir_;
  IdRange range_;
  svirt_error error_ = MakeError();
};

class OwnershipPrivileged : public Ownership {
 protected:
  void SetUp() override { SVIRT_DAC_NEEDS_PRIVILEGES(); }
};

TEST_F(Ownership, IsReadThroughTheDescriptor) {
  Identity owner;
  ASSERT_EQ(Get(Disk(), &owner), SVIRT_OK) << error_.message;
  EXPECT_EQ(owner, (Identity{::geteuid(), ::getegid()}));
  const svirt_resource closed = MakeResource("/d", SVIRT_OBJ_FILE, SVIRT_ACCESS_READ);
  EXPECT_EQ(GetOwner(closed, &owner, &error_), SVIRT_E_INVALID);
  EXPECT_EQ(SetOwner(closed, owner, range_, &error_), SVIRT_E_INVALID);
}

TEST_F(Ownership, CannotBeGivenAwayWithoutPrivilege) {
  if (WhyNotPrivileged().empty()) {
    GTEST_SKIP() << "needs a process without the privilege to give files away";
  }
  EXPECT_EQ(Set(Disk(), kDomain), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("relabel='no'"));
}

TEST_F(OwnershipPrivileged, GoesToTheDomainAndBackForEveryKindOfObject) {
  const std::string fifo = dir_.path("fifo"), node = dir_.path("socket");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const sdk::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  node.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
  for (const std::string &path : {Disk(), dir_.Dir("share"), fifo, node}) {
    const mode_t mode = ModeOf(path);
    ASSERT_EQ(Set(path, kDomain), SVIRT_OK) << path << ": " << error_.message;
    EXPECT_EQ(OwnerOf(path), FormatIdentity(kDomain));
    ASSERT_EQ(Set(path, {0, 5}), SVIRT_OK) << path << ": " << error_.message;
    EXPECT_EQ(OwnerOf(path), "+0:+5");
    EXPECT_EQ(ModeOf(path), mode);
  }
}

TEST_F(OwnershipPrivileged, IsOfTheObjectAndNotOfWhatStandsInItsPlace) {
  const std::string path = Disk(), moved = dir_.path("moved"), other = dir_.File("other");
  const sdk::Fd fd = OpenPath(path);
  ASSERT_EQ(::rename(path.c_str(), moved.c_str()), 0);
  ASSERT_EQ(::symlink(other.c_str(), path.c_str()), 0);
  svirt_resource resource = MakeResource(path.c_str(), SVIRT_OBJ_FILE, SVIRT_ACCESS_READ);
  resource.fd = fd.get();
  ASSERT_EQ(SetOwner(resource, kDomain, range_, &error_), SVIRT_OK) << error_.message;
  EXPECT_EQ(OwnerOf(moved), FormatIdentity(kDomain));
  EXPECT_EQ(OwnerOf(other), "+0:+0");
}

// A node of the test's own: a defect would change that of the machine for good.
TEST_F(OwnershipPrivileged, OfSharedDeviceNodesIsNobodysToChange) {
  const std::string null = dir_.path("null"), disk = dir_.path("disk");
  if (::mknod(null.c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0 ||
      ::mknod(disk.c_str(), S_IFBLK | 0600, makedev(1, 3)) != 0) {
    GTEST_SKIP() << "needs the privilege to make device nodes: errno " << errno;
  }
  Identity owner;
  EXPECT_EQ(Get(null, &owner), SVIRT_E_NOTSUP);
  EXPECT_EQ(Set(null, kDomain), SVIRT_E_NOTSUP);
  EXPECT_THAT(error_.message, HasSubstr("keeps its owner"));
  EXPECT_EQ(OwnerOf(null), "+0:+0");
  EXPECT_EQ(Set(disk, kDomain), SVIRT_OK) << error_.message;
}

TEST_F(OwnershipPrivileged, IsNotChangedWhereAFileWouldLoseItsPrivileges) {
  const struct {
    mode_t mode;
    const char *lost;
  } rows[] = {{04755, "set-user-ID"}, {02755, "set-group-ID"}, {06711, "set-user-ID"}};
  for (const auto &row : rows) {
    const std::string path = Disk(row.mode);
    EXPECT_EQ(Set(path, kDomain), SVIRT_E_DENIED);
    EXPECT_THAT(error_.message, HasSubstr(row.lost));
    EXPECT_EQ(OwnerOf(path), "+0:+0");
    EXPECT_EQ(ModeOf(path), row.mode);
  }
  EXPECT_EQ(Set(Disk(02644), kDomain), SVIRT_OK) << error_.message;
}

TEST_F(OwnershipPrivileged, IsNotChangedWhereAFileHasCapabilities) {
  const std::string path = Disk(0755);
  // Revision 2, effective, CAP_NET_RAW (vfs_cap_data).
  const std::vector<uint32_t> data = {0x02000001, 1u << 13, 0, 0, 0};
  if (::setxattr(path.c_str(), "security.capability", data.data(), 20, 0) != 0) {
    GTEST_SKIP() << "needs a file system with file capabilities: errno " << errno;
  }
  EXPECT_EQ(Set(path, kDomain), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("file capabilities"));
  EXPECT_EQ(OwnerOf(path), "+0:+0");
}

// A domain may set the bits on a file of its own; that must neither last nor keep the file.
TEST_F(OwnershipPrivileged, GoesBackWithoutThePrivilegesThatADomainMade) {
  const std::string path = Disk();
  for (const Identity &old : {Identity{0, 0}, Identity{1000, 1000}}) {
    ASSERT_EQ(Set(path, kDomain), SVIRT_OK) << error_.message;
    ASSERT_EQ(::chmod(path.c_str(), 04777), 0);
    ASSERT_EQ(Set(path, old), SVIRT_OK) << error_.message;
    EXPECT_EQ(OwnerOf(path), FormatIdentity(old));
    EXPECT_EQ(ModeOf(path), 0777u);
  }
  // Nothing tells the user that an owner has chosen from one whose program it is.
  ASSERT_EQ(Set(path, {107, 108}), SVIRT_OK) << error_.message;
  ASSERT_EQ(::chmod(path.c_str(), 04777), 0);
  EXPECT_EQ(Set(path, {1000, 1000}), SVIRT_E_DENIED);
  ASSERT_EQ(Set(path, {0, 0}), SVIRT_OK) << error_.message;
  EXPECT_EQ(ModeOf(path), 0777u);
}

}  // namespace
}  // namespace svirt::dac
