// SPDX-License-Identifier: LGPL-2.1-or-later
// Entries in the ACLs of real objects.
#include "entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include "plugin_fixture.h"
#include "probe.h"
#include "testing/owned_file.h"

namespace svirt::dac {
namespace {

using sdk::MakeError;
using testing::HasSubstr;

constexpr char kAccessAcl[] = "system.posix_acl_access";

TEST(EntryText, IsCanonical) {
  EXPECT_EQ(FormatEntry({107, kRead | kWrite}), "+107:rw-");
  EXPECT_EQ(ParseEntry("+4294967294:---"), (Entry{4294967294, 0}));
  for (const char *text :
       {"", "+", "107:rw-", "+107", "+107:", "+107:rw", "+107:rwxx", "+:rw-", "+107:+107",
        "+4294967295:r--", "+99999999999:r--", "+-1:r--", "+1 :r--", "+root:r--", "++1:r--"}) {
    EXPECT_EQ(ParseEntry(text), std::nullopt) << text;
  }
}

class EntryPrivileged : public testing::Test {
 protected:
  void SetUp() override {
    SVIRT_DAC_NEEDS_PRIVILEGES();
    if (WriteAcl(dir_.File("probe"), FromMode(0600)) != 0) {
      GTEST_SKIP() << "needs a temporary directory on a file system with ACLs";
    }
  }

  svirt_resource Open(const std::string &path) {
    paths_.push_back(path);
    fds_.push_back(OpenPath(path));
    svirt_resource resource = sdk::MakeResource(path.c_str(), SVIRT_OBJ_ANY, SVIRT_ACCESS_READ);
    resource.path = paths_.back().c_str();
    resource.fd = fds_.back().get();
    error_ = MakeError();
    return resource;
  }
  svirt_status Set(const std::string &path, const Entry &entry) {
    return SetEntry(Open(path), entry, &error_);
  }
  svirt_status Remove(const std::string &path, uid_t uid) {
    return RemoveEntry(Open(path), {uid, 0}, &error_);
  }
  std::string Get(const std::string &path, uid_t uid) {
    std::string present;
    const svirt_status status = GetEntry(Open(path), {uid, 7}, &present, &error_);
    EXPECT_EQ(status, present.empty() ? SVIRT_E_NODATA : SVIRT_OK) << error_.message;
    return present;
  }
  // The mode and the bytes of the ACL.
  static std::string Whole(const std::string &path) {
    std::array<char, 1024> acl{};
    const ssize_t size = ::lgetxattr(path.c_str(), kAccessAcl, acl.data(), acl.size());
    return std::to_string(ModeOf(path)) + " " +
           (size < 0 ? std::string("none") : std::string(acl.data(), static_cast<size_t>(size)));
  }

  sdk::TempDir dir_;
  std::deque<std::string> paths_;
  std::deque<sdk::Fd> fds_;
  svirt_error error_ = MakeError();
};

TEST_F(EntryPrivileged, IsSetReadAndTakenBackOnEveryKindOfObject) {
  const std::string fifo = dir_.path("fifo"), node = dir_.path("kvm");
  std::vector<std::string> paths = {dir_.File("image"), dir_.Dir("share"), fifo};
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  if (::mknod(node.c_str(), S_IFCHR | 0660, makedev(10, 232)) == 0) {
    paths.push_back(node);
  }
  for (const std::string &path : paths) {
    for (const mode_t mode : {0600u, 0640u, 0666u, 0755u, 0000u, 01777u, 02755u, 04711u}) {
      ASSERT_EQ(::chmod(path.c_str(), mode), 0);
      const std::string before = Whole(path), owner = OwnerOf(path);
      EXPECT_EQ(Get(path, kDomain.uid), "");
      for (int twice = 0; twice < 2; ++twice) {
        ASSERT_EQ(Set(path, {kDomain.uid, 6}), SVIRT_OK) << path << ": " << error_.message;
        EXPECT_EQ(Get(path, kDomain.uid), "+2100000007:rw-");
      }
      EXPECT_EQ(Get(path, kOther.uid), "");
      EXPECT_EQ(ModeOf(path) & 07707, mode & 07707) << "only the mask shows";
      for (int twice = 0; twice < 2; ++twice) {
        ASSERT_EQ(Remove(path, kDomain.uid), SVIRT_OK) << path << ": " << error_.message;
        EXPECT_EQ(Whole(path), before) << path;
      }
      EXPECT_EQ(OwnerOf(path), owner);
    }
  }
}

// The property of acl_change_test, on a file: byte for byte what it was.
TEST_F(EntryPrivileged, OfThreeDomainsComeAndGoInAnyOrder) {
  const std::string path = dir_.File("base.img");
  const std::array<uid_t, 3> domains = {2'100'000'001, 2'100'000'002, 2'100'000'003};
  std::mt19937 random(3);
  int set = 0;
  for (int round = 0; round < 300; ++round) {
    Acl acl = FromMode(static_cast<mode_t>(random() % 01000));
    if (random() % 3 != 0) {
      acl.users[1000] = random() % 8;
      acl.groups[1001] = random() % 8;
      acl.mask = random() % 3 != 0 ? acl.UnderMask() : random() % 8;
    }
    ASSERT_EQ(WriteAcl(path, acl), 0);
    const std::string before = Whole(path);
    std::array<size_t, 6> order = {0, 0, 1, 1, 2, 2};
    std::shuffle(order.begin(), order.end(), random);
    std::array<bool, 3> seen = {};
    for (const size_t who : order) {
      if (seen[who]) {
        ASSERT_EQ(Remove(path, domains[who]), SVIRT_OK) << error_.message;
        continue;
      }
      const svirt_status status = Set(path, {domains[who], random() % 2 == 0 ? 4u : 6u});
      ASSERT_TRUE(status == SVIRT_OK || status == SVIRT_E_DENIED) << error_.message;
      set += status == SVIRT_OK ? 1 : 0;
      seen[who] = true;
    }
    ASSERT_EQ(Whole(path), before);
  }
  EXPECT_GT(set, 500);
}

TEST_F(EntryPrivileged, IsOfTheObjectAndNotOfWhatStandsInItsPlace) {
  const std::string path = dir_.File("image"), moved = dir_.path("moved"),
                    other = dir_.File("other");
  const std::string untouched = Whole(other);
  const svirt_resource resource = Open(path);
  ASSERT_EQ(::rename(path.c_str(), moved.c_str()), 0);
  ASSERT_EQ(::symlink(other.c_str(), path.c_str()), 0);
  ASSERT_EQ(SetEntry(resource, {kDomain.uid, 4}, &error_), SVIRT_OK) << error_.message;
  EXPECT_EQ(Get(moved, kDomain.uid), "+2100000007:r--");
  EXPECT_EQ(Whole(other), untouched);
  svirt_resource closed = resource;
  closed.fd = -1;
  EXPECT_EQ(SetEntry(closed, {kDomain.uid, 4}, &error_), SVIRT_E_INVALID);
}

TEST_F(EntryPrivileged, NamesTheMaskThatShutsItOut) {
  const std::string path = dir_.File("image");
  Acl acl = FromMode(0640);
  acl.users[1000] = 6;
  acl.mask = 4;
  ASSERT_EQ(WriteAcl(path, acl), 0);
  const std::string before = Whole(path);
  EXPECT_EQ(Set(path, {kDomain.uid, 6}), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr(path + " can have no entry for user 2100000007: the mask"));
  EXPECT_THAT(error_.message, HasSubstr("setfacl -m m::rw-"));
  EXPECT_EQ(Whole(path), before);
}

TEST_F(EntryPrivileged, IsNeverOnTheMachinesOwnNodes) {
  for (const auto &[major, minor] : std::vector<std::pair<unsigned, unsigned>>{
           {1, 1}, {1, 2}, {1, 4}, {1, 11}, {1, 12}, {5, 1}}) {
    const std::string node = dir_.path("node" + std::to_string(major * 100 + minor));
    if (::mknod(node.c_str(), S_IFCHR | 0600, makedev(major, minor)) != 0) {
      GTEST_SKIP() << "needs the privilege to make device nodes: errno " << errno;
    }
    EXPECT_EQ(Set(node, {kDomain.uid, 6}), SVIRT_E_DENIED);
    EXPECT_THAT(error_.message, HasSubstr("no domain is let into"));
    EXPECT_EQ(Get(node, kDomain.uid), "");
  }
}

TEST_F(EntryPrivileged, SaysWhatToDoWhereThereAreNoAcls) {
  // A file of /proc: no ACLs, whatever the kernel.
  EXPECT_EQ(Set("/proc/self/environ", {kDomain.uid, 4}), SVIRT_E_NOTSUP);
  EXPECT_THAT(error_.message, HasSubstr("a file system without ACLs: let everybody in by chmod"));
  EXPECT_EQ(Get("/proc/self/environ", kDomain.uid), "");
  EXPECT_EQ(Remove("/proc/self/environ", kDomain.uid), SVIRT_OK);
}

TEST_F(EntryPrivileged, IsRefusedWhereTheFileSystemIsReadOnly) {
  const std::string path = dir_.File("image"), mount = dir_.Dir("mount");
  const std::string failed = WithReadOnlyMount(dir_.path(), mount, [&] {
    EXPECT_EQ(Set(mount + "/image", {kDomain.uid, 4}), SVIRT_E_NOTSUP);
    EXPECT_THAT(error_.message, HasSubstr("mounted read-only"));
    EXPECT_EQ(Remove(mount + "/image", kDomain.uid), SVIRT_OK) << "there is nothing to take away";
    ASSERT_EQ(Set(path, {kDomain.uid, 4}), SVIRT_OK) << error_.message;
    EXPECT_EQ(Set(mount + "/image", {kDomain.uid, 4}), SVIRT_OK) << "it is there already";
    EXPECT_EQ(Remove(mount + "/image", kDomain.uid), SVIRT_E_NOTSUP);
  });
  if (!failed.empty()) {
    GTEST_SKIP() << "needs the privilege to mount: " << failed;
  }
  EXPECT_EQ(Get(path, kDomain.uid), "+2100000007:r--");
}

TEST_F(EntryPrivileged, IsRefusedWhereASetGroupIdBitWouldBeLost) {
  const std::string file = dir_.File("tool"), share = dir_.Dir("share");
  for (const std::string &path : {file, share}) {
    ASSERT_EQ(::chown(path.c_str(), 5, 6), 0);
    ASSERT_EQ(::chmod(path.c_str(), 06755), 0);
    const std::string before = Whole(path);
    std::thread([&] {
      __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
      __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
      ASSERT_EQ(::syscall(SYS_capget, &header, data), 0);
      data[0].effective &= ~(1u << CAP_FSETID);
      ASSERT_EQ(::syscall(SYS_capset, &header, data), 0);
      EXPECT_EQ(Set(path, {kDomain.uid, 4}), SVIRT_E_DENIED);
      EXPECT_THAT(error_.message, HasSubstr("would lose its set-group-ID bit"));
    }).join();
    EXPECT_EQ(Whole(path), before);
    // With the capability nothing is lost.
    ASSERT_EQ(Set(path, {kDomain.uid, 4}), SVIRT_OK) << error_.message;
    EXPECT_EQ(ModeOf(path), 06755u);
    ASSERT_EQ(Remove(path, kDomain.uid), SVIRT_OK) << error_.message;
    EXPECT_EQ(Whole(path), before);
  }
}

TEST_F(EntryPrivileged, IsRefusedOnAnImmutableFile) {
  const std::string path = dir_.File("image");
  if (std::system(("chattr +i " + path + " 2>/dev/null").c_str()) != 0) {
    GTEST_SKIP() << "needs a file system with immutable files";
  }
  EXPECT_EQ(Set(path, {kDomain.uid, 4}), SVIRT_E_DENIED);
  EXPECT_THAT(error_.message, HasSubstr("immutable"));
  EXPECT_EQ(std::system(("chattr -i " + path).c_str()), 0);
}

}  // namespace
}  // namespace svirt::dac
