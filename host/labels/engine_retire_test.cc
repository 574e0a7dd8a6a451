// SPDX-License-Identifier: LGPL-2.1-or-later
// What a domain that has ended gave back stays so after a power failure.
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/statfs.h>

#include <algorithm>
#include <memory>
#include <string>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

class RetireTest : public EngineTest {
 protected:
  void SetUp() override {
    struct statfs system {};
    ASSERT_EQ(::statfs((dir_ / "state").c_str(), &system), 0);
    if (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC) {
      GTEST_SKIP() << "needs temporary files on a file system that is on a disk (TMPDIR)";
    }
  }
  int64_t Count(const std::string &table_and_condition) {
    auto database = Database::Open(dir_ / "state/labels.db", {});
    EXPECT_TRUE(database.ok());
    const std::string sql = "SELECT count(*) FROM " + table_and_condition;
    return **(*database)->AskInt(sql.c_str());
  }
  int64_t Retired() { return Count("owner WHERE retired<>0"); }
  // The machine boots again: device numbers may be others, and the file system has an older label.
  void Fail(const std::string &path, const std::string &label) {
    store_.reset();
    auto database = Database::Open(dir_ / "state/labels.db", {});
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE((*database)
                    ->Execute("UPDATE boot SET boot_id='earlier' || id; UPDATE use SET dev=dev+1;"
                              "UPDATE holder SET boot_id='earlier', pid=1")
                    .ok());
    mac_.SetLabelOf(path, label);
    auto store = LabelStore::Open({.directory = dir_ / "state"});
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::move(*store);
  }
  // Applies and restores; the label that the disk had meanwhile.
  std::string Pass(int domain, const std::string &disk) {
    MustApply(domain, {{MakeDisk(disk)}});
    std::string label = Label(disk);
    MustRestore(domain);
    return label;
  }

  std::string disk_ = Image("disk");
};

TEST_F(RetireTest, WhatAPowerFailureTookIsGivenOnceMoreByRecover) {
  const std::string label = Pass(1, disk_);
  EXPECT_EQ(Retired(), 1);
  EXPECT_TRUE(store_->registry().Owners()->empty());
  Fail(disk_, label);
  ASSERT_TRUE(MakeEngine().Recover().ok());
  EXPECT_EQ(Label(disk_), "original-disk");
  EXPECT_EQ(Count("use"), 0) << "file systems were synced, so nothing need be kept";
  EXPECT_EQ(Count("owner"), 0);
}

TEST_F(RetireTest, AndByTheNextStartOfAnyDomainBeforeItReadsLabels) {
  const std::string label = Pass(1, disk_);
  Fail(disk_, label);
  EXPECT_NE(Pass(2, disk_), "original-disk");
  EXPECT_EQ(Label(disk_), "original-disk");
  Fail(disk_, label);
  const std::string other = Image("other");
  MustApply(3, {{MakeDisk(other)}});
  EXPECT_EQ(Label(disk_), "original-disk");
}

// Two labels may come back: that of the domain which lived, and that of the one before it.
TEST_F(RetireTest, TheLabelOfTheDomainBeforeIsKnownToTheNextOne) {
  const std::string first = Pass(1, disk_);
  MustApply(2, {{MakeDisk(disk_)}});
  Die(2);
  Fail(disk_, first);
  ASSERT_TRUE(MakeEngine().Recover().ok());
  EXPECT_EQ(Label(disk_), "original-disk");
  EXPECT_TRUE(store_->registry().Owners()->empty());
}

TEST_F(RetireTest, WhatSomebodyElseHasLabelledSinceIsLeftAlone) {
  Pass(1, disk_);
  Fail(disk_, "by-hand");
  ASSERT_TRUE(MakeEngine().Recover().ok());
  EXPECT_EQ(Label(disk_), "by-hand");
  EXPECT_EQ(Retired(), 0);
}

TEST_F(RetireTest, ADiskThatWasDetachedIsGivenOnceMore) {
  const std::string other = Image("other");
  const Plan plan = MustApply(1, {{MakeDisk(disk_), MakeDisk(other)}});
  const std::string label = Label(other);
  Domain running = MakeDomain(1);
  running.seclabels = plan.seclabels();
  ASSERT_TRUE(MakeEngine().AddHolder(running, ::getpid()).ok());
  ASSERT_TRUE(MakeEngine().Change(running, ::getpid(), {{MakeDisk(disk_)}}).ok());
  EXPECT_EQ(Label(other), "original-other");
  EXPECT_EQ(Retired(), 1);
  EXPECT_EQ(Count("use JOIN owner ON owner.id=use.owner WHERE retired=0"), 1);
  Fail(other, label);
  ASSERT_TRUE(MakeEngine().Recover().ok());
  EXPECT_EQ(Label(other), "original-other");
  EXPECT_EQ(Label(disk_), "original-disk");
}

TEST_F(RetireTest, ItHoldsNeitherLabelsNorObjects) {
  Model small{dir_ / "kernel", {.name = "small", .space = {{5, 1}}}};
  small.SetLabelOf(disk_, "original-disk");
  for (int domain = 1; domain <= 3; ++domain) {
    Engine engine = MakeEngine({small.plugin()});
    ASSERT_TRUE(engine.Apply(MakeDomain(domain), {{MakeDisk(disk_)}}).ok()) << domain;
    ASSERT_TRUE(engine.Restore(MakeDomain(domain).uuid).ok());
  }
  EXPECT_EQ(small.LabelOf(disk_), "original-disk");
  EXPECT_EQ(Retired(), 3);
}

TEST_F(RetireTest, ManyAreForgottenAfterASync) {
  int64_t most = 0;
  for (int domain = 1; domain <= 300; ++domain) {
    Pass(domain, disk_);
    most = std::max(most, Retired());
  }
  EXPECT_GT(most, 250);
  EXPECT_LE(most, 256 + 16) << "they are counted for one in 16";
  EXPECT_LT(Retired(), 100);
  ASSERT_TRUE(MakeEngine().Recover().ok());
  EXPECT_EQ(Count("owner"), 0);
  EXPECT_EQ(Count("use"), 0);
}

}  // namespace
}  // namespace svirt::fake
