// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels of domains that are gone are found, and put back where it is known what was there before.
#include "host/labels/apply/label_scan.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Outcome = FoundLabel::Outcome;

class ScanTest : public EngineTest {
 protected:
  void SetUp() override {
    const std::string probe = Touch(dir_ / "probe");
    if (::setxattr(probe.c_str(), "trusted.svirt", "", 0, 0) != 0) {
      GTEST_SKIP() << "needs CAP_SYS_ADMIN, and a file system with trusted.* attributes for "
                      "temporary files";
    }
    std::filesystem::create_directories(dir_ / "images/deep/deeper");
  }
  Engine With(bool marks) {
    return Engine(store_.get(), {xattr_.plugin()}, {.export_labels = marks}, dir_ / "proc");
  }
  std::string Disk(const std::string &name) {
    std::string path = Touch(dir_ / ("images/" + name));
    xattr_.SetLabelOf(path, "original");
    return path;
  }
  // A disk with the label of a domain of which nobody knows any more.
  std::string Leave(const std::string &name, bool marks = true) {
    std::string disk = Disk(name);
    EXPECT_TRUE(With(marks).Apply(MakeDomain(1), {{MakeDisk(disk)}}).ok());
    EXPECT_THAT(xattr_.LabelOf(disk), HasSubstr("I:"));
    LoseDatabase();
    return disk;
  }
  void LoseDatabase() {
    store_.reset();
    std::filesystem::remove_all(dir_ / "state");
    store_ = std::move(*LabelStore::Open({.directory = dir_ / "state"}));
  }
  std::vector<FoundLabel> Scan(bool dry_run = false, const std::string &below = "images") {
    std::vector<FoundLabel> all;
    LabelScan scan(store_.get(),
                   {.models = {{xattr_.plugin(), "tests.example", {"qemu", "kvm"}}},
                    .proc = dir_ / "proc",
                    .dry_run = dry_run,
                    .found = [&all](const FoundLabel &found) { all.push_back(found); },
                    .failed = [this](const Error &error) { failures_.push_back(error.message); }});
    const Status status = scan.Walk(dir_ / below);
    EXPECT_TRUE(status.ok()) << status.error().message;
    looked_at_ = scan.objects();
    return all;
  }
  std::vector<LabelMark> Marks(const std::string &path) {
    const Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    return *ReadMarks(fd.get(), "fakexattr");
  }
  // The one thing that was found.
  FoundLabel Only(const std::vector<FoundLabel> &all) {
    EXPECT_THAT(all, SizeIs(1));
    return all.empty() ? FoundLabel() : all[0];
  }
  bool IsBorne() { return !store_->registry().Borne()->empty(); }

  Model xattr_{dir_ / "kernel", {.name = "fakexattr", .space = {{0, 100}}, .xattr = true}};
  std::vector<std::string> failures_;
  int64_t looked_at_ = 0;
};

TEST_F(ScanTest, FromAMarkItIsPutBack) {
  const std::string disk = Leave("deep/deeper/disk");
  const std::string label = xattr_.LabelOf(disk);
  const FoundLabel found = Only(Scan());
  EXPECT_EQ(found.path, disk);
  EXPECT_EQ(found.label, label);
  EXPECT_EQ(found.outcome, Outcome::kPutBack) << found.reason;
  EXPECT_EQ(xattr_.LabelOf(disk), "original");
  EXPECT_THAT(Marks(disk), IsEmpty());
  EXPECT_FALSE(IsBorne());
  EXPECT_THAT(*store_->registry().Owners(), IsEmpty());
  EXPECT_EQ(looked_at_, 4);
  EXPECT_THAT(Scan(), IsEmpty());
}

TEST_F(ScanTest, ADryRunChangesNothing) {
  const std::string disk = Leave("disk");
  const std::string label = xattr_.LabelOf(disk);
  store_ = std::move(*LabelStore::Open({.directory = dir_ / "state", .read_only = true}));
  const FoundLabel found = Only(Scan(true));
  EXPECT_EQ(found.outcome, Outcome::kToBePutBack);
  EXPECT_EQ(found.old->label, "original");
  EXPECT_EQ(xattr_.LabelOf(disk), label);
  EXPECT_THAT(Marks(disk), SizeIs(1));
}

TEST_F(ScanTest, WithoutAMarkItIsLeftAndNobodyElseGetsItsLabel) {
  const std::string disk = Leave("disk", false);
  const std::string label = xattr_.LabelOf(disk);
  const FoundLabel found = Only(Scan());
  EXPECT_EQ(found.outcome, Outcome::kLeft);
  EXPECT_THAT(found.reason, HasSubstr("is not known"));
  EXPECT_EQ(xattr_.LabelOf(disk), label);
  EXPECT_TRUE(IsBorne());
  const std::string other = Disk("other");
  ASSERT_TRUE(With(false).Apply(MakeDomain(2), {{MakeDisk(other)}}).ok());
  EXPECT_NE(xattr_.LabelOf(other), label);
  xattr_.SetLabelOf(disk, "by-hand");
  EXPECT_THAT(Scan(), IsEmpty());
  ASSERT_TRUE(With(false).ReleaseBorne().ok());
  EXPECT_FALSE(IsBorne());
}

TEST_F(ScanTest, WhatADomainHereUsesIsItsOwn) {
  const std::string disk = Disk("disk");
  ASSERT_TRUE(With(true).Apply(MakeDomain(1), {{MakeDisk(disk)}}).ok());
  ASSERT_TRUE(With(true).Pin(MakeDomain(1).uuid).ok());
  const std::string label = xattr_.LabelOf(disk);
  // What it has made itself bears its label, too.
  xattr_.SetLabelOf(Touch(dir_ / "images/made"), label);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_EQ(xattr_.LabelOf(disk), label);
  EXPECT_THAT(Marks(disk), SizeIs(1));
}

TEST_F(ScanTest, SoIsWhatAProcessHasThatNobodyHereKnows) {
  const std::string disk = Leave("disk");
  const std::string label = xattr_.LabelOf(disk);
  std::filesystem::create_directory(dir_ / ("proc/" + std::to_string(::getpid())));
  xattr_.SetProcessLabel(::getpid(), "L:" + label.substr(2));
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_EQ(xattr_.LabelOf(disk), label);
}

TEST_F(ScanTest, WhatSomebodyWritesToIsLeft) {
  const std::string disk = Leave("disk");
  const std::string label = xattr_.LabelOf(disk);
  const Fd fd(::open(disk.c_str(), O_RDWR | O_CLOEXEC));
  for (const bool dry_run : {true, false}) {
    const FoundLabel found = Only(Scan(dry_run));
    EXPECT_EQ(found.outcome, Outcome::kLeft);
    EXPECT_THAT(found.reason, HasSubstr("open for writing"));
  }
  EXPECT_EQ(xattr_.LabelOf(disk), label);
}

TEST_F(ScanTest, WhatAnotherHostHasMarkedIsLeft) {
  const std::string disk = Leave("disk");
  const std::string label = xattr_.LabelOf(disk);
  LabelMark mark = Marks(disk).at(0);
  {
    const Fd fd(::open(disk.c_str(), O_PATH | O_CLOEXEC));
    ASSERT_TRUE(RemoveMark(fd.get(), "fakexattr", mark.host).ok());
    mark.host = "0123456789abcdef";
    ASSERT_TRUE(WriteMark(fd.get(), "fakexattr", mark).ok());
  }
  const FoundLabel found = Only(Scan());
  EXPECT_EQ(found.outcome, Outcome::kLeft);
  EXPECT_THAT(found.reason, HasSubstr("0123456789abcdef"));
  EXPECT_EQ(xattr_.LabelOf(disk), label);
  EXPECT_THAT(Marks(disk), SizeIs(1));
}

TEST_F(ScanTest, AMarkThatMeansNothingAnyMoreIsTakenOff) {
  const std::string disk = Leave("disk");
  xattr_.SetLabelOf(disk, "by-hand");
  EXPECT_EQ(Only(Scan(true)).outcome, Outcome::kToBePutBack);
  const FoundLabel found = Only(Scan());
  EXPECT_TRUE(found.mark_alone);
  EXPECT_EQ(found.outcome, Outcome::kPutBack) << found.reason;
  EXPECT_EQ(xattr_.LabelOf(disk), "by-hand");
  EXPECT_THAT(Marks(disk), IsEmpty());
}

TEST_F(ScanTest, AMarkTellsOfLabelsThatAreOfNoIndex) {
  const std::string disk = Disk("disk");
  Domain domain = MakeDomain(1);
  domain.seclabels = {MakeSecLabel(SecLabel::Type::kStatic, "fakexattr", "S:shared")};
  ASSERT_TRUE(With(true).Apply(domain, {{MakeDisk(disk)}}).ok());
  ASSERT_EQ(xattr_.LabelOf(disk), "I:shared");
  LoseDatabase();
  EXPECT_EQ(Only(Scan()).outcome, Outcome::kPutBack);
  EXPECT_EQ(xattr_.LabelOf(disk), "original");
}

TEST_F(ScanTest, LinksAreNotFollowed) {
  const std::string disk = Leave("disk");
  std::filesystem::rename(disk, dir_ / "elsewhere");
  std::filesystem::create_symlink(dir_ / "elsewhere", disk);
  std::filesystem::create_directory_symlink(dir_.path(), dir_ / "images/all");
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_THAT(failures_, IsEmpty());
}

TEST_F(ScanTest, ManyAreFound) {
  std::vector<Resource> disks;
  for (int i = 0; i < 1200; ++i) {
    disks.push_back(MakeDisk(Disk("deep/" + std::to_string(i))));
  }
  ASSERT_TRUE(With(true).Apply(MakeDomain(1), {disks}).ok());
  LoseDatabase();
  EXPECT_THAT(Scan(), SizeIs(1200));
  for (const Resource &disk : disks) {
    ASSERT_EQ(xattr_.LabelOf(disk.path), "original") << disk.path;
  }
}

// Wherever it is killed: recover and another scan end as one scan does.
TEST_F(ScanTest, KilledAnywhereAndOnceMoreItEndsTheSame) {
  int kills = 0;
  for (int at = 1;; ++at) {
    std::vector<Resource> disks;
    for (const char *name : {"one", "two", "deep/three"}) {
      disks.push_back(MakeDisk(Disk(name)));
    }
    const std::string unknown = disks[2].path;
    ASSERT_TRUE(With(true).Apply(MakeDomain(1), {disks}).ok());
    {
      const Fd fd(::open(unknown.c_str(), O_PATH | O_CLOEXEC));
      ASSERT_TRUE(RemoveMark(fd.get(), "fakexattr", *store_->HostName()).ok());
    }
    const std::string label = xattr_.LabelOf(unknown);
    LoseDatabase();
    store_.reset();  // not across a fork
    const pid_t pid = ::fork();
    if (pid == 0) {
      store_ = std::move(*LabelStore::Open({.directory = dir_ / "state"}));
      xattr_.kill_at = xattr_.calls + at;
      Scan();
      ::_exit(0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    store_ = std::move(*LabelStore::Open({.directory = dir_ / "state"}));
    ASSERT_TRUE(With(true).Recover().ok());
    const auto left = Scan();
    EXPECT_EQ(xattr_.LabelOf(disks[0].path), "original") << at;
    EXPECT_EQ(xattr_.LabelOf(disks[1].path), "original") << at;
    EXPECT_EQ(xattr_.LabelOf(unknown), label) << at;
    EXPECT_THAT(Marks(disks[0].path), IsEmpty());
    EXPECT_THAT(Marks(disks[1].path), IsEmpty());
    EXPECT_THAT(*store_->registry().Owners(), IsEmpty());
    EXPECT_THAT(*store_->registry().Borne(), SizeIs(1));
    EXPECT_EQ(left.back().outcome, Outcome::kLeft);
    if (WIFEXITED(status)) {
      break;
    }
    ++kills;
  }
  EXPECT_GT(kills, 10);
}

}  // namespace
}  // namespace svirt::fake
