// SPDX-License-Identifier: LGPL-2.1-or-later
// Old labels that are written onto files (export_labels): two hosts with a store each, and one set
// of files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "host/labels/apply/handover.h"
#include "host/labels/object/label_mark.h"
#include "host/labels/testing/engine_fixture.h"
#include "host/util/fd.h"

namespace svirt::fake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::string_view_literals;

class MarksTest : public EngineTest {
 protected:
  MarksTest() {
    for (size_t host = 0; host < hosts_.size(); ++host) {
      const std::string directory = dir_ / ("host" + std::to_string(host));
      const std::string id = Touch(directory + ".id");
      const Fd fd(::open(id.c_str(), O_WRONLY | O_CLOEXEC));
      EXPECT_EQ(::write(fd.get(), &host, sizeof host), static_cast<ssize_t>(sizeof host));
      hosts_[host] = *LabelStore::Open({.directory = directory, .machine_id_file = id});
    }
    disk_ = File("disk");
  }

  void SetUp() override {
    const std::string probe = Touch(dir_ / "probe");
    if (::setxattr(probe.c_str(), "trusted.svirt", "", 0, 0) != 0) {
      GTEST_SKIP() << "needs CAP_SYS_ADMIN, and a file system with trusted.* attributes for "
                      "temporary files";
    }
  }

  std::string File(const std::string &name) {
    std::string path = Touch(dir_ / name);
    mac_.SetLabelOf(path, "original");
    return path;
  }
  Engine On(size_t host, bool exports = true) {
    return Engine(hosts_[host].get(), {mac_.plugin()}, {.export_labels = exports}, dir_ / "proc");
  }
  Plan Start(size_t host, int domain, const Resource &resource, bool exports = true) {
    auto plan = On(host, exports).Apply(MakeDomain(domain), {{resource}});
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    return plan.ok() ? std::move(*plan) : Plan{};
  }
  std::vector<std::string> Stop(size_t host, int domain) {
    std::vector<std::string> notes;
    const auto status = On(host).Restore(MakeDomain(domain).uuid, &notes);
    EXPECT_TRUE(status.ok()) << status.error().message;
    return notes;
  }
  static std::vector<LabelMark> Marks(const std::string &path) {
    const Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    return *ReadMarks(fd.get(), "fakexattr");
  }
  static Resource Base(const std::string &path) {
    Resource base = MakeDisk(path);
    base.access = kAccessRead;
    return base;
  }
  // As a copy is made that keeps attributes.
  std::string Copy(const std::string &path) {
    std::string copy = Touch(dir_ / "copy");
    std::array<char, 4096> names{}, value{};
    const ssize_t size = ::listxattr(path.c_str(), names.data(), names.size());
    for (ssize_t i = 0; i < size;) {
      const std::string name = &names[static_cast<size_t>(i)];
      const ssize_t got = ::getxattr(path.c_str(), name.c_str(), value.data(), value.size());
      EXPECT_EQ(::setxattr(copy.c_str(), name.c_str(), value.data(), static_cast<size_t>(got), 0),
                0);
      i += static_cast<ssize_t>(name.size()) + 1;
    }
    return copy;
  }

  std::array<std::unique_ptr<LabelStore>, 2> hosts_;
  Model mac_{dir_ / "kernel", {.name = "fakexattr", .space = {{0, 100}}, .xattr = true}};
  std::vector<Plugin *> plugins_{mac_.plugin()};
  std::string disk_;
};

TEST_F(MarksTest, IsThereAsLongAsTheDomain) {
  Start(0, 1, MakeDisk(disk_));
  const auto marks = Marks(disk_);
  ASSERT_THAT(marks, SizeIs(1));
  EXPECT_EQ(marks[0].host, *hosts_[0]->HostName());
  EXPECT_EQ(marks[0].old, (OldLabel{OldLabel::State::kPresent, "original"}));
  EXPECT_EQ(marks[0].label, mac_.LabelOf(disk_));
  EXPECT_THAT(Stop(0, 1), IsEmpty());
  EXPECT_EQ(mac_.LabelOf(disk_), "original");
  EXPECT_THAT(Marks(disk_), IsEmpty());
}

TEST_F(MarksTest, IsNotThereUnlessWanted) {
  Start(0, 1, MakeDisk(disk_), false);
  EXPECT_THAT(Marks(disk_), IsEmpty());
}

TEST_F(MarksTest, GoesAlsoIfItIsNotWantedAnyMore) {
  Start(0, 1, MakeDisk(disk_));
  EXPECT_TRUE(On(0, false).Restore(MakeDomain(1).uuid).ok());
  EXPECT_THAT(Marks(disk_), IsEmpty());
}

TEST_F(MarksTest, AHostWithoutANameMakesNone) {
  hosts_[0] = *LabelStore::Open({.directory = dir_ / "state0", .machine_id_file = dir_ / "none"});
  const auto plan = On(0).Apply(MakeDomain(1), {{MakeDisk(disk_)}});
  ASSERT_FALSE(plan.ok());
  EXPECT_THAT(plan.error().message, HasSubstr("no name for its marks"));
  EXPECT_EQ(mac_.LabelOf(disk_), "original");
  EXPECT_FALSE(hosts_[0]->registry().Describe(MakeDomain(1).uuid)->has_value());
}

// It takes off what it cannot name when it can.
TEST_F(MarksTest, AHostThatForgetsItsNameLeavesThingsAsTheyAre) {
  Start(0, 1, MakeDisk(disk_));
  const std::string label = mac_.LabelOf(disk_), state = dir_ / "host0";
  hosts_[0] = *LabelStore::Open({.directory = state, .machine_id_file = dir_ / "none"});
  EXPECT_FALSE(On(0).Restore(MakeDomain(1).uuid).ok());
  EXPECT_EQ(mac_.LabelOf(disk_), label);
  EXPECT_THAT(Marks(disk_), SizeIs(1));
  hosts_[0] = *LabelStore::Open({.directory = state, .machine_id_file = state + ".id"});
  Stop(0, 1);
  EXPECT_EQ(mac_.LabelOf(disk_), "original");
  EXPECT_THAT(Marks(disk_), IsEmpty());
}

TEST_F(MarksTest, AStartThatFailsLeavesNone) {
  mac_.fail_set_at = 1;
  EXPECT_FALSE(On(0).Apply(MakeDomain(1), {{MakeDisk(disk_)}}).ok());
  EXPECT_THAT(Marks(disk_), IsEmpty());
  EXPECT_EQ(mac_.LabelOf(disk_), "original");
}

// The host that it was labelled on is gone.
TEST_F(MarksTest, AnotherHostKnowsTheOldLabel) {
  Start(0, 1, MakeDisk(disk_));
  const std::string theirs = mac_.LabelOf(disk_);
  Start(1, 2, MakeDisk(disk_));
  EXPECT_NE(mac_.LabelOf(disk_), theirs);
  EXPECT_THAT(Marks(disk_), SizeIs(2));
  EXPECT_THAT(Stop(1, 2), IsEmpty());
  EXPECT_EQ(mac_.LabelOf(disk_), "original");
  EXPECT_THAT(Marks(disk_), IsEmpty());
  // It is back.
  Stop(0, 1);
  EXPECT_EQ(mac_.LabelOf(disk_), "original");
}

TEST_F(MarksTest, ALabelFromSomebodyElseMakesItStale) {
  Start(0, 1, MakeDisk(disk_));
  mac_.SetLabelOf(disk_, "new");
  Start(1, 2, MakeDisk(disk_));
  Stop(1, 2);
  EXPECT_EQ(mac_.LabelOf(disk_), "new");
}

// Only what says how it got the label that it has, and means the same by it.
TEST_F(MarksTest, TheRightOneIsTaken) {
  const Fd fd(::open(disk_.c_str(), O_PATH | O_CLOEXEC));
  const auto write = [&fd](const std::string &host, const std::string &doi,
                           const std::string &label) {
    const LabelMark mark{.host = host,
                         .doi = doi,
                         .id = {},
                         .old = {OldLabel::State::kPresent, "before " + label},
                         .label = label};
    EXPECT_TRUE(WriteMark(fd.get(), "fakexattr", mark).ok());
  };
  const auto after_a_stop = [this] {
    Start(0, 1, MakeDisk(disk_));
    Stop(0, 1);
    return mac_.LabelOf(disk_);
  };
  write("a", "tests.example", "I:8");
  write("b", "tests.example", "I:9");
  write("c", "tests.example", "I:10");
  mac_.SetLabelOf(disk_, "I:9");
  EXPECT_EQ(after_a_stop(), "before I:9");
  write("a", "elsewhere", "I:9");
  mac_.SetLabelOf(disk_, "I:9");
  EXPECT_EQ(after_a_stop(), "I:9");
}

TEST_F(MarksTest, TheLastHostGivesASharedImageItsLabelBack) {
  for (const size_t first : {0U, 1U}) {
    Start(0, 1, Base(disk_));
    Start(1, 2, Base(disk_));
    const std::string label = mac_.LabelOf(disk_);
    EXPECT_NE(label, "original");
    EXPECT_THAT(Stop(first, static_cast<int>(first) + 1),
                ElementsAre(HasSubstr("is used by another host, too")));
    EXPECT_EQ(mac_.LabelOf(disk_), label);
    EXPECT_THAT(Stop(1 - first, static_cast<int>(2 - first)), IsEmpty());
    EXPECT_EQ(mac_.LabelOf(disk_), "original");
    EXPECT_THAT(Marks(disk_), IsEmpty());
  }
}

TEST_F(MarksTest, TheLastDomainOfAHostTakesItOff) {
  for (const bool first_marks : {false, true}) {
    Start(0, 1, Base(disk_), first_marks);
    Start(0, 2, Base(disk_), !first_marks);
    Stop(0, first_marks ? 1 : 2);
    EXPECT_THAT(Marks(disk_), SizeIs(1));
    Stop(0, first_marks ? 2 : 1);
    EXPECT_THAT(Marks(disk_), IsEmpty());
    EXPECT_EQ(mac_.LabelOf(disk_), "original");
  }
}

TEST_F(MarksTest, ACopyIsNobodyElses) {
  Start(0, 1, Base(disk_));
  const std::string copy = Copy(disk_);
  EXPECT_THAT(Marks(copy), SizeIs(1));
  Start(1, 2, Base(copy));
  EXPECT_THAT(Stop(1, 2), IsEmpty());
  EXPECT_EQ(mac_.LabelOf(copy), "original");
  EXPECT_THAT(Marks(copy), IsEmpty());
}

// A domain moves away, and its base image is still in use here: whoever ends last gives it its
// label back.
TEST_F(MarksTest, AfterAHandoverTheLastHostRestores) {
  for (const bool mover_ends_first : {false, true}) {
    Start(0, 1, Base(disk_));
    Start(0, 2, Base(disk_));
    ASSERT_TRUE(On(0).Pin(MakeDomain(1).uuid).ok());
    HandoverDesk here(hosts_[0].get(), plugins_), there(hosts_[1].get(), plugins_);
    const auto handover = here.BeginOut(MakeDomain(1).uuid);
    ASSERT_TRUE(handover.ok()) << handover.error().message;
    const Status prepared = there.PrepareIn(*handover, nullptr);
    ASSERT_TRUE(prepared.ok()) << prepared.error().message;
    Start(1, 1, Base(disk_));
    ASSERT_TRUE(here.Commit(MakeDomain(1).uuid).ok());
    ASSERT_TRUE(there.Commit(MakeDomain(1).uuid).ok());
    EXPECT_THAT(Marks(disk_), SizeIs(2));
    const std::string label = mac_.LabelOf(disk_);
    mover_ends_first ? Stop(1, 1) : Stop(0, 2);
    EXPECT_EQ(mac_.LabelOf(disk_), label);
    mover_ends_first ? Stop(0, 2) : Stop(1, 1);
    EXPECT_EQ(mac_.LabelOf(disk_), "original") << mover_ends_first;
    EXPECT_THAT(Marks(disk_), IsEmpty());
  }
}

TEST_F(MarksTest, TheSourceOfAHandoverTakesItsOwnOff) {
  Start(0, 1, MakeDisk(disk_));
  ASSERT_TRUE(On(0).Pin(MakeDomain(1).uuid).ok());
  HandoverDesk here(hosts_[0].get(), plugins_), there(hosts_[1].get(), plugins_);
  ASSERT_TRUE(there.PrepareIn(*here.BeginOut(MakeDomain(1).uuid), nullptr).ok());
  Start(1, 1, MakeDisk(disk_));
  ASSERT_TRUE(here.Commit(MakeDomain(1).uuid).ok());
  const auto marks = Marks(disk_);
  ASSERT_THAT(marks, SizeIs(1));
  EXPECT_EQ(marks[0].host, *hosts_[1]->HostName());
  EXPECT_EQ(marks[0].old.label, "original");
  ASSERT_TRUE(there.Commit(MakeDomain(1).uuid).ok());
  Stop(1, 1);
  EXPECT_EQ(mac_.LabelOf(disk_), "original");
  EXPECT_THAT(Marks(disk_), IsEmpty());
}

TEST_F(MarksTest, WhatCannotBeUnderstoodIsPassedOver) {
  const std::string name = "trusted.svirt.fakexattr.elsewhere";
  for (const std::string_view value :
       {""sv, "1"sv, "2\0\0007\0007\0present\0old\0I:7\0"sv, "1\0\0x\0007\0present\0old\0I:7\0"sv,
        "1\0\0007\0007\0present\0old\0I:7"sv}) {
    ASSERT_EQ(::setxattr(disk_.c_str(), name.c_str(), value.data(), value.size(), 0), 0);
    EXPECT_THAT(Marks(disk_), IsEmpty());
  }
}

TEST(LabelMark, WhereThereCanBeNoneIsSaid) {
  const Fd fd(::open("/proc/self/status", O_PATH | O_CLOEXEC));
  const LabelMark mark{.host = "h", .doi = "", .id = {}, .old = {}, .label = "l"};
  EXPECT_EQ(WriteMark(fd.get(), "m", mark).error().code, Errc::kUnsupported);
  EXPECT_THAT(*ReadMarks(fd.get(), "m"), IsEmpty());
  EXPECT_TRUE(RemoveMark(fd.get(), "m", "h").ok());
}

}  // namespace
}  // namespace svirt::fake
