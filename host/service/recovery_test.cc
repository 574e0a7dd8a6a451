// SPDX-License-Identifier: LGPL-2.1-or-later
// What crashes leave is put in order.
#include "host/service/recovery.h"

#include <unistd.h>

#include <filesystem>

#include "host/launch/end_process.h"
#include "host/service/testing/service_test.h"
#include "host/util/file.h"

namespace svirt {
namespace {

using testing::Contains;
using testing::HasSubstr;

class RecoveryTest : public ServiceTest {
 protected:
  Status Recover() {
    notes_.clear();
    return Open()->recovery.Recover(&notes_);
  }
  // A command that dies at this step of what it does.
  void DieAt(const std::string &step, const std::function<void(Host &)> &work) {
    vmm_.at_step = [&](const std::string &reached) {
      if (reached == step) {
        ::_exit(42);
      }
    };
    EXPECT_EQ(InAnotherProcess([&](Host &host) {
                work(host);
                return 0;
              }),
              42)
        << "the step was not reached";
    vmm_.at_step = nullptr;
  }
  void DieStarting(const std::string &step) {
    Define(1);
    DieAt(step, [](Host &host) { (void)host.lifecycle.Start("vm1", ""); });
  }

  std::vector<std::string> notes_;
};

TEST_F(RecoveryTest, AStartThatDiedIsUndoneWhereverItWas) {
  vmm_.is_paused = true;  // nobody has let the guest go
  for (const char *step : {"launch", "announced", "paused"}) {
    DieStarting(step);
    EXPECT_NE(LabelOf(Image("vm1.img")), "") << step;
    const Status recovered = Recover();
    EXPECT_TRUE(recovered.ok()) << step << ": " << recovered.error().message;
    ExpectNothingLeft(1);
  }
  vmm_.is_paused = false;
  EXPECT_TRUE(Open()->lifecycle.Start("vm1", "").ok());
}

// The guest had been let go, so all that comes before was done.
TEST_F(RecoveryTest, AGuestThatRunsThoughItsStarterDiedRunsOn) {
  DieStarting("paused");
  ASSERT_TRUE(Recover().ok());
  const auto stored = Open()->definitions.Find("vm1");
  ASSERT_TRUE(stored.ok() && stored->running);
  EXPECT_FALSE(stored->running->starting);
  EXPECT_NE(LabelOf(Image("vm1.img")), "");
  EXPECT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  ExpectNothingLeft(1);
}

TEST_F(RecoveryTest, AStartAfterOneThatDiedNeedsNoRecovery) {
  vmm_.is_paused = true;
  DieStarting("paused");
  const auto started = Open()->lifecycle.Start("vm1", "");
  EXPECT_TRUE(started.ok()) << started.error().message;
}

TEST_F(RecoveryTest, TheDirectoryOfAStartThatDiedGoes) {
  DieStarting("prepare");
  std::filesystem::create_directory(Open()->machine.domains().RunDirectory(UuidOf(1)));
  ASSERT_TRUE(Recover().ok());
  ExpectNothingLeft(1);
}

TEST_F(RecoveryTest, WhatEndedByItselfIsCleanedUp) {
  const RunningDomain running = Start(1);
  ASSERT_TRUE(EndProcess(running.process).ok());
  ASSERT_TRUE(Recover().ok());
  ExpectNothingLeft(1);
}

TEST_F(RecoveryTest, WhatRunsKeepsItsLabels) {
  Start(1);
  const std::string label = LabelOf(Image("vm1.img"));
  ASSERT_TRUE(Recover().ok());
  EXPECT_EQ(LabelOf(Image("vm1.img")), label);
}

// The domain was given the disk before the labels were written down as its own, or after that.
TEST_F(RecoveryTest, AnAttachThatDiedIsFinishedOrUndoneAsItsStatusSays) {
  const RunningDomain running = Start(1);
  const std::string extra = Image("extra.img");
  DieAt("attach",
        [&](Host &host) { (void)host.devices.Attach("vm1", DiskXml(extra, "vdb"), "disk.xml"); });
  EXPECT_NE(LabelOf(extra), "");
  ASSERT_TRUE(Recover().ok());
  EXPECT_NE(LabelOf(extra), "") << "the emulator may have it open";
  const auto host = Open();
  ASSERT_TRUE(host->machine.domains().SetRunning(UuidOf(1), running).ok());
  ASSERT_TRUE(Recover().ok());
  EXPECT_EQ(LabelOf(extra), "") << "it is none of the domain's";
}

TEST_F(RecoveryTest, ADomainEndsUnderTheModelsItWasStartedWith) {
  const RunningDomain running = Start(1);
  config_.models = {"othermac"};
  ASSERT_TRUE(EndProcess(running.process).ok());
  ASSERT_TRUE(Recover().ok());
  ExpectNothingLeft(1);
}

TEST_F(RecoveryTest, OneFailureKeepsNobodyElseWaiting) {
  Define(1);
  ASSERT_TRUE(WriteFileAtomic(DefinitionFile(1), "<domain", 0600).ok());
  Define(2);
  ASSERT_TRUE(WriteFileAtomic(StatusFile(2), "{\"version\": 9}", 0600).ok());
  const RunningDomain running = Start(3);
  ASSERT_TRUE(EndProcess(running.process).ok());
  const Status recovered = Recover();
  ASSERT_FALSE(recovered.ok());
  EXPECT_THAT(recovered.error().message, HasSubstr(UuidOf(1)));
  EXPECT_THAT(notes_, Contains(HasSubstr(UuidOf(2))));
  ExpectNothingLeft(3);
}

TEST_F(RecoveryTest, ADomainThatSomebodyKeepsLockedIsToldAndTheOthersDone) {
  const RunningDomain kept = Start(1);
  const RunningDomain ended = Start(2);
  ASSERT_TRUE(EndProcess(kept.process).ok());
  ASSERT_TRUE(EndProcess(ended.process).ok());
  const auto host = Open();
  {
    const auto lock = host->machine.domains().Lock(UuidOf(1));
    ASSERT_TRUE(lock.ok());
    const Status recovered = Recover();
    ASSERT_FALSE(recovered.ok());
    EXPECT_EQ(recovered.error().code, Errc::kConflict);
    ExpectNothingLeft(2);
    EXPECT_NE(LabelOf(Image("vm1.img")), "");
  }
  ASSERT_TRUE(Recover().ok());
  ExpectNothingLeft(1);
}

// A daemon that gave up and lives on.
TEST_F(RecoveryTest, WhatThisProcessHasGivenUpIsUndone) {
  const auto host = Open();
  const Domain domain = Parse(Xml(1));
  LabelStore *labels = *host->machine.Labels();
  Engine engine(labels, *host->machine.models().For("fake"), {});
  const Manifest manifest = *MakeManifest(host->machine, domain, RunBy::kOthers);
  ASSERT_TRUE(engine.Apply(domain, manifest).ok());
  EXPECT_NE(LabelOf(Image("vm1.img")), "");
  ASSERT_TRUE(host->recovery.Recover(&notes_).ok());
  ExpectNothingLeft(1);
}

}  // namespace
}  // namespace svirt
