// SPDX-License-Identifier: LGPL-2.1-or-later
// Mounts are read rightly, and an object is found under every path that shows it.
#include "host/labels/plan/mount_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kMounts =
    "20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "21 20 0:5 / /proc rw shared:2 master:3 - proc proc rw\n"
    "22 20 8:1 /etc /srv/a\\040name rw - ext4 /dev/sda1 rw\n"
    "23 20 8:1 /var/lib/state.db /srv/file rw - ext4 /dev/sda1 rw\n"
    "24 20 8:2 / /home rw - xfs /dev/sda2 rw\n";

MountTable Mounts() {
  auto table = MountTable::Parse(kMounts);
  EXPECT_TRUE(table.ok()) << table.error().message;
  return *table;
}

TEST(MountTable, KnowsWhatIsMountedWhere) {
  const MountTable table = Mounts();
  ASSERT_NE(table.Find(22), nullptr);
  EXPECT_EQ(table.Find(22)->point, "/srv/a name");
  EXPECT_EQ(table.Find(22)->root, "/etc");
  EXPECT_EQ(table.Find(21)->type, "proc");
  EXPECT_EQ(table.Find(7), nullptr);
}

TEST(MountTable, AnObjectHasAPathByEachMountThatShowsIt) {
  const MountTable table = Mounts();
  EXPECT_THAT(table.OtherPaths(*table.Find(22), "/srv/a name/shadow"), ElementsAre("/etc/shadow"));
  EXPECT_THAT(table.OtherPaths(*table.Find(22), "/srv/a name"), ElementsAre("/etc"));
  EXPECT_THAT(table.OtherPaths(*table.Find(20), "/etc/shadow"), ElementsAre("/srv/a name/shadow"));
  EXPECT_THAT(table.OtherPaths(*table.Find(23), "/srv/file"), ElementsAre("/var/lib/state.db"));
  EXPECT_THAT(table.OtherPaths(*table.Find(20), "/var/lib/state.db"), ElementsAre("/srv/file"));
  EXPECT_THAT(table.OtherPaths(*table.Find(20), "/var/lib/state.dbx"), IsEmpty());
  EXPECT_THAT(table.OtherPaths(*table.Find(24), "/home/a"), IsEmpty());
  EXPECT_THAT(table.OtherPaths(*table.Find(24), "/elsewhere"), IsEmpty());
}

TEST(MountTable, MountsInADirectory) {
  const MountTable table = Mounts();
  std::vector<std::string> points;
  for (const Mount *mount : table.Below("/srv")) {
    points.push_back(mount->point);
  }
  EXPECT_THAT(points, ElementsAre("/srv/a name", "/srv/file"));
  EXPECT_THAT(table.Below("/srv/file"), IsEmpty());
  EXPECT_THAT(table.Below("/ho"), IsEmpty());
}

TEST(MountTable, WhatIsNoListIsRefused) {
  EXPECT_FALSE(MountTable::Parse("x 1 8:1 / / rw - ext4 a rw\n").ok());
  EXPECT_FALSE(MountTable::Parse("20 1 8:1 / / rw shared:1\n").ok());
  EXPECT_TRUE(MountTable::Read().ok());
}

}  // namespace
}  // namespace svirt
