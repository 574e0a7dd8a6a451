// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever of a running domain is not as it was planned has its line.
#include "host/service/verification.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <filesystem>

#include "host/service/testing/service_test.h"
#include "host/util/file.h"

namespace svirt {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

using Kind = Mismatch::Kind;

testing::Matcher<Mismatch> Is(Kind kind, const std::string &where) {
  return AllOf(Field(&Mismatch::kind, kind), Field(&Mismatch::where, where));
}

class VerificationTest : public ServiceTest {
 protected:
  std::vector<Mismatch> Verify() {
    auto mismatches = Open()->verification.Verify("vm1");
    EXPECT_TRUE(mismatches.ok()) << mismatches.error().message;
    return mismatches.ok() ? std::move(*mismatches) : std::vector<Mismatch>();
  }
  void Recover() {
    const Status recovered = Open()->recovery.Recover(nullptr);
    EXPECT_TRUE(recovered.ok()) << recovered.error().message;
  }
  std::string Disk() const { return Image("vm1.img"); }
};

TEST_F(VerificationTest, ADomainAsItWasPlannedHasNoLine) {
  Start(1);
  EXPECT_THAT(Verify(), IsEmpty());
  ASSERT_TRUE(Open()->devices.Attach("vm1", DiskXml(Image("extra.img"), "vdb"), "disk.xml").ok());
  EXPECT_THAT(Verify(), IsEmpty());
}

TEST_F(VerificationTest, OneThatDoesNotRunIsToldApart) {
  Define(1);
  const auto verified = Open()->verification.Verify("vm1");
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(verified.error().code, Errc::kConflict);
  EXPECT_THAT(verified.error().message, HasSubstr("'vm1' is not running"));
}

TEST_F(VerificationTest, AChangedLabelIsFoundAndRecoverGivesItAgain) {
  Start(1);
  const std::string label = LabelOf(Disk());
  mac_.SetLabelOf(Disk(), "stranger");
  const auto found = Verify();
  ASSERT_THAT(found, ElementsAre(Is(Kind::kObjectLabel, Disk())));
  EXPECT_EQ(found[0].model, "fakemac");
  EXPECT_EQ(found[0].planned, label);
  EXPECT_EQ(found[0].found, "stranger");
  EXPECT_THAT(found[0].mend, HasSubstr("'svirt recover'"));
  Recover();
  EXPECT_THAT(Verify(), IsEmpty());
  EXPECT_EQ(LabelOf(Disk()), label);
}

TEST_F(VerificationTest, AnotherFileOrNoneIsFound) {
  Start(1);
  const std::string aside = dir_ / "images/aside.img";
  std::filesystem::rename(Disk(), aside);
  const std::string path = dir_ / "images/vm1.img";
  EXPECT_THAT(Verify(), ElementsAre(Is(Kind::kGone, path)));
  fake::Touch(path);
  EXPECT_THAT(Verify(), ElementsAre(Is(Kind::kReplaced, path)));
  mac_.SetLabelOf(path, mac_.LabelOf(aside));
  EXPECT_THAT(Verify(), ElementsAre(Is(Kind::kReplaced, path))) << "although it has the label";
  std::filesystem::rename(aside, path);
  EXPECT_THAT(Verify(), IsEmpty());
}

TEST_F(VerificationTest, WhatTheDomainDoesNotUseOrTheJournalDoesNotKnowIsFound) {
  const RunningDomain before = Start(1);
  const std::string extra = Image("extra.img");
  ASSERT_TRUE(Open()->devices.Attach("vm1", DiskXml(extra, "vdb"), "disk.xml").ok());
  const RunningDomain after = *Open()->definitions.Find("vm1")->running;
  ASSERT_TRUE(Open()->machine.domains().SetRunning(UuidOf(1), before).ok());
  EXPECT_THAT(Verify(), ElementsAre(Is(Kind::kNotUsed, extra)));
  Recover();
  EXPECT_THAT(Verify(), IsEmpty());
  ASSERT_TRUE(Open()->machine.domains().SetRunning(UuidOf(1), after).ok());
  EXPECT_THAT(Verify(), ElementsAre(Is(Kind::kNotRecorded, extra)));
  Recover();
  EXPECT_THAT(Verify(), IsEmpty());
}

TEST_F(VerificationTest, SomebodyElseWhoWritesToItsDiskIsFound) {
  Start(1);
  const pid_t pid = ::fork();
  if (pid == 0) {
    // Not of this process, which is the one that asks.
    const int fd = ::open((dir_ / "images/vm1.img").c_str(), O_RDWR | O_CLOEXEC);
    ::pause();
    ::_exit(fd);
  }
  std::vector<Mismatch> found;
  for (int i = 0; i < 100 && found.empty(); ++i) {
    found = Verify();
    ::usleep(20000);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  ASSERT_THAT(found, ElementsAre(Is(Kind::kForeign, Disk())));
  EXPECT_EQ(found[0].found, "process " + std::to_string(pid));
  EXPECT_THAT(Verify(), IsEmpty());
}

TEST_F(VerificationTest, TheLabelDatabaseIsComparedWithTheStatusFile) {
  RunningDomain running = Start(1);
  const std::string process = "process " + std::to_string(running.process.pid);
  const std::string label = running.domain.seclabels.front().label;
  running.domain.seclabels.front().label = "L:27";
  mac_.SetProcessLabel(running.process.pid, "L:27");
  ASSERT_TRUE(Open()->machine.domains().SetRunning(UuidOf(1), running).ok());
  auto found = Verify();
  ASSERT_THAT(found, ElementsAre(Is(Kind::kNotRecorded, "label database")));
  EXPECT_EQ(found[0].planned, "L:27");
  EXPECT_EQ(found[0].found, label);
  for (const char *file : {"labels.db", "labels.db-wal", "labels.db-shm"}) {
    std::filesystem::remove(paths_.state_dir + "/" + file);
  }
  found = Verify();
  ASSERT_THAT(found, ElementsAre(Is(Kind::kNotRecorded, "label database")));
  EXPECT_THAT(found[0].message, HasSubstr("does not know its labels: it was lost"));
}

}  // namespace
}  // namespace svirt
