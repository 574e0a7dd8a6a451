// SPDX-License-Identifier: LGPL-2.1-or-later
// Which rights follow from access and type, on objects and on the directories around them.
#include "rights.h"

#include <gtest/gtest.h>

#include "testing/fixture.h"

namespace svirt::landlock {
namespace {

constexpr Features kAllFeatures{7, 0xffff, 3};

std::string Words(const svirt_resource &resource, const Features &features = kAllFeatures) {
  return RightWords(ObjectRights(resource, DeclaredShape(resource), features));
}

TEST(Rights, FollowAccessAndObject) {
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_FILE, kR)), "read");
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_FILE, kRw)), "read,write,truncate");
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_FILE, SVIRT_ACCESS_WRITE)), "write,truncate");
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_ANY, kRw)), "read,write,truncate");
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_FILE, kR | SVIRT_ACCESS_EXEC)), "read,execute");
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_BLOCK, kRw)), "read,write,truncate,ioctl");
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_CHAR, kR)), "read,ioctl");
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_FILE, 0)), "");
}

TEST(Rights, OfADirectoryReachItsContentOnlyWithSubtree) {
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_DIR, kR)), "list");
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_DIR, kRwc)), "list");
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_DIR, kR, SVIRT_RES_SUBTREE)), "read,list");
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_DIR, kRw, SVIRT_RES_SUBTREE)),
            "read,list,write,truncate,make-file,make-socket,make-fifo,make-directory,make-symlink,"
            "remove-file,remove-directory,move");
}

TEST(Rights, NeverMakeDevices) {
  const auto resource =
      MakeResource("/d", SVIRT_OBJ_DIR, kRwc | SVIRT_ACCESS_EXEC, SVIRT_RES_SUBTREE);
  EXPECT_EQ(ObjectRights(resource, Shape::kDirectory, kAllFeatures) & (kMakeChar | kMakeBlock), 0u);
}

TEST(Rights, IncludeIoctlBelowDirectoriesOfDevicesOnly) {
  const auto with_kind = [](uint32_t kind) {
    return ObjectRights(MakeResource("/d", SVIRT_OBJ_DIR, kRw, SVIRT_RES_SUBTREE, kind),
                        Shape::kDirectory, kAllFeatures) &
           kIoctlDev;
  };
  EXPECT_NE(with_kind(SVIRT_RES_HOSTDEV), 0u);
  EXPECT_NE(with_kind(SVIRT_RES_CHARDEV), 0u);
  EXPECT_EQ(with_kind(SVIRT_RES_SHARE), 0u);
  EXPECT_EQ(with_kind(SVIRT_RES_RUNDIR), 0u);
}

TEST(Rights, StayWithinWhatTheKernelKnows) {
  const Features first{1, kFirstRights, 0};
  EXPECT_EQ(Words(MakeResource("/d", SVIRT_OBJ_BLOCK, kRw), first), "read,write");
}

TEST(Rights, OnTheParentAreNeededForSocketsMadeElsewhere) {
  const auto socket = MakeResource("/run/vms/a.sock", SVIRT_OBJ_SOCKET, kRwc);
  EXPECT_TRUE(NeedsParent(socket, {}));
  EXPECT_TRUE(NeedsParent(MakeResource("/x/s", SVIRT_OBJ_ANY, kRwc, 0, SVIRT_RES_SOCKET), {}));
  EXPECT_FALSE(NeedsParent(MakeResource("/x/s", SVIRT_OBJ_SOCKET, kRw), {}));  // connects
  EXPECT_FALSE(NeedsParent(MakeResource("/x/f", SVIRT_OBJ_FILE, kRwc), {}));
}

TEST(Rights, InTheDomainsOwnDirectoryAreThereAlready) {
  const auto own = [](const char *path) {
    return std::vector{MakeResource(path, SVIRT_OBJ_DIR, kRwc, SVIRT_RES_SUBTREE)};
  };
  EXPECT_TRUE(InOwnDirectory("/run/vm/a.sock", own("/run/vm")));
  EXPECT_TRUE(InOwnDirectory("/run/vm/a.sock", own("/run/vm//")));
  EXPECT_TRUE(InOwnDirectory("/run/vm/deep/a.sock", own("/run/vm")));
  EXPECT_TRUE(InOwnDirectory("/a.sock", own("/")));
  EXPECT_FALSE(InOwnDirectory("/run/vm2/a.sock", own("/run/vm")));
  EXPECT_FALSE(InOwnDirectory("/run/vm", own("/run/vm")));
  EXPECT_FALSE(InOwnDirectory("/run/vm/../other/a.sock", own("/run/vm")));
  EXPECT_FALSE(InOwnDirectory("/run/vm/..", own("/run/vm")));
  EXPECT_FALSE(InOwnDirectory("/run/vm/a", {MakeResource("/run/vm", SVIRT_OBJ_DIR, kRwc)}));
  EXPECT_FALSE(
      InOwnDirectory("/run/vm/a", {MakeResource("/run/vm", SVIRT_OBJ_DIR, kR, SVIRT_RES_SUBTREE)}));
}

TEST(ParentOf, IsTheDirectory) {
  EXPECT_EQ(ParentOf("/a/b"), "/a");
  EXPECT_EQ(ParentOf("/a/b/"), "/a");
  EXPECT_EQ(ParentOf("/a"), "/");
  EXPECT_EQ(ParentOf("/"), "/");
}

}  // namespace
}  // namespace svirt::landlock
