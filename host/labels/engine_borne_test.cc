// SPDX-License-Identifier: LGPL-2.1-or-later
// An index whose label objects bear is not given out, whoever gave it to them is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class BorneTest : public EngineTest {
 protected:
  Engine MakeEngine() { return EngineTest::MakeEngine({small_.plugin()}); }
  void LoseDatabase() {
    store_.reset();
    std::filesystem::remove_all(dir_ / "state");
    Reopen();
  }
  void Reopen() {
    store_.reset();
    store_ = std::move(*LabelStore::Open({.directory = dir_ / "state"}));
  }
  std::string Disk(const std::string &name) {
    std::string path = Touch(dir_ / name);
    small_.SetLabelOf(path, "original");
    return path;
  }
  // The label that the domain's disk gets; "" if there is none for it.
  std::string Start(int domain, const std::string &disk) {
    const auto plan = MakeEngine().MakePlan(MakeDomain(domain), {{MakeDisk(disk)}});
    const auto done = MakeEngine().Apply(MakeDomain(domain), {{MakeDisk(disk)}});
    if (!done.ok()) {
      EXPECT_EQ(done.error().code, Errc::kExhausted) << done.error().message;
      return "";
    }
    std::string label = small_.LabelOf(disk);
    EXPECT_EQ(plan->items.at(0).label, label) << "the plan foresees it";
    return label;
  }
  void Stop(int domain) { ASSERT_TRUE(MakeEngine().Restore(MakeDomain(domain).uuid).ok()); }
  // The disk has the label of a domain, and nobody knows since when.
  std::string Leave(const std::string &disk) {
    std::string label = Start(1, disk);
    LoseDatabase();
    return label;
  }
  auto Borne() { return *store_->registry().Borne(); }
  void Recover() {
    const Status status = MakeEngine().Recover();
    ASSERT_TRUE(status.ok()) << status.error().message;
  }

  Model small_{dir_ / "kernel", {.name = "small", .space = {{0, 3}}}};
  const std::string disk_ = Disk("disk"), other_ = Disk("other"), third_ = Disk("third");
};

TEST_F(BorneTest, NeitherToTheDomainWhoseDiskBearsItNorToAnother) {
  const std::string label = Leave(disk_);
  const std::string own = Start(2, disk_);
  EXPECT_NE(own, label);
  ASSERT_THAT(Borne(), SizeIs(1));
  EXPECT_EQ(Borne()[0].label, label);
  EXPECT_EQ(Borne()[0].path, disk_);
  Stop(2);
  EXPECT_EQ(small_.LabelOf(disk_), label) << "what it had before this start";
  const std::string one = Start(3, other_);
  const std::string two = Start(4, third_);
  EXPECT_NE(one, label);
  EXPECT_NE(two, label);
  EXPECT_NE(one, two);
  EXPECT_EQ(Start(5, Disk("fourth")), "") << "of three labels one is on a disk";
}

TEST_F(BorneTest, NorIsItHeldForADomain) {
  const std::string label = Leave(disk_);
  const auto plan = MakeEngine().MakePlan(MakeDomain(2), {{MakeDisk(disk_)}});
  ASSERT_TRUE(MakeEngine().Reserve(MakeDomain(2), {{MakeDisk(disk_)}}).ok());
  EXPECT_EQ(small_.LabelOf(disk_), label) << "no object is touched";
  const std::string own = Start(2, disk_);
  EXPECT_EQ(own, plan->items.at(0).label);
  EXPECT_NE(own, label);
}

TEST_F(BorneTest, AlsoIfTheDomainHasAnotherLabel) {
  const std::string label = Leave(disk_);
  const uint64_t next = (std::stoull(label.substr(2)) + 1) % 3;
  const std::string borne = "I:" + std::to_string(next);
  small_.SetLabelOf(disk_, borne);
  EXPECT_EQ(Start(2, disk_), label);
  ASSERT_THAT(Borne(), SizeIs(1));
  EXPECT_EQ(Borne()[0].index, next);
  EXPECT_NE(Start(3, other_), borne);
  EXPECT_EQ(Start(4, third_), "");
}

TEST_F(BorneTest, ItOutlivesTheProcessAndARecover) {
  Leave(disk_);
  Start(2, disk_);
  Recover();
  EXPECT_THAT(Borne(), SizeIs(1)) << "the disk gets it back at the end of the domain";
  Stop(2);
  Reopen();
  Recover();
  EXPECT_THAT(Borne(), SizeIs(1));
}

TEST_F(BorneTest, UntilTheObjectHasAnotherLabel) {
  Leave(disk_);
  Start(2, disk_);
  Stop(2);
  small_.SetLabelOf(disk_, "by-hand");
  Recover();
  EXPECT_THAT(Borne(), IsEmpty());
  for (int domain = 3; domain <= 5; ++domain) {
    EXPECT_NE(Start(domain, Disk(std::to_string(domain))), "");
  }
}

TEST_F(BorneTest, OrIsGone) {
  Leave(disk_);
  Start(2, disk_);
  Stop(2);
  ASSERT_EQ(::unlink(disk_.c_str()), 0);
  Recover();
  EXPECT_THAT(Borne(), IsEmpty());
}

TEST_F(BorneTest, ButNotIfItsFileSystemIsNotThere) {
  ASSERT_TRUE(std::filesystem::create_directory(dir_ / "mnt"));
  const std::string disk = Disk("mnt/disk");
  Leave(disk);
  Start(2, disk);
  Stop(2);
  std::filesystem::remove_all(dir_ / "mnt");
  Recover();
  EXPECT_THAT(Borne(), SizeIs(1));
}

TEST_F(BorneTest, WhoAsksForJustThatOneGetsIt) {
  const std::string label = Leave(disk_);
  Start(2, disk_);
  Stop(2);
  Domain own = MakeDomain(6);
  const std::string index = label.substr(2);
  own.seclabels = {MakeSecLabel(SecLabel::Type::kStatic, "small", "S:" + index + "-" + index)};
  EXPECT_TRUE(MakeEngine().MakePlan(own, {{MakeDisk(other_)}}).ok());
  const auto plan = MakeEngine().Apply(own, {{MakeDisk(other_)}});
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_THAT(Borne(), IsEmpty());
}

TEST_F(BorneTest, LabelsOfLivingDomainsAreTheirs) {
  Start(1, disk_);
  Start(2, other_);
  EXPECT_THAT(Borne(), IsEmpty());
  Stop(1);
  Stop(2);
  EXPECT_EQ(small_.LabelOf(disk_), "original");
}

}  // namespace
}  // namespace svirt::fake
