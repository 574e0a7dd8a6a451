// SPDX-License-Identifier: LGPL-2.1-or-later
// What of a domain lives, and what its end leaves, also where its status cannot be used.
#include "host/service/endings.h"

#include "host/launch/end_process.h"
#include "host/launch/launch.h"
#include "host/service/testing/service_test.h"
#include "host/util/file.h"

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EndingsTest : public ServiceTest {
 protected:
  EndingsTest() : host_(Open()), engines_(&host_->machine), endings_(&host_->machine, &engines_) {}

  StoredDomain Stored(int number = 1) {
    auto stored = host_->machine.domains().FindEvenDamaged(UuidOf(number));
    EXPECT_TRUE(stored.ok()) << stored.error().message;
    return std::move(*stored);
  }
  // Nothing but its first lines can be read.
  StoredDomain WithoutStatus(const RunningDomain &running) {
    auto text = ReadFile(StatusFile(1), 1 << 20);
    EXPECT_TRUE(text.ok());
    text->resize(text->find("\"xml\""));
    EXPECT_TRUE(WriteFileAtomic(StatusFile(1), *text, 0600).ok());
    StoredDomain stored = Stored();
    EXPECT_TRUE(stored.bad_status);
    EXPECT_FALSE(stored.running);
    (void)running;
    return stored;
  }

  std::unique_ptr<Host> host_;
  Engines engines_;
  Endings endings_;
};

TEST_F(EndingsTest, OnlyWhatRanCanHaveEnded) {
  Define(1);
  EXPECT_FALSE(*endings_.HasEnded(Stored()));
  const RunningDomain running = Start(1);
  EXPECT_FALSE(*endings_.HasEnded(Stored()));
  ASSERT_TRUE(EndProcess(running.process).ok());
  EXPECT_TRUE(*endings_.HasEnded(Stored()));
}

TEST_F(EndingsTest, WhatHasEndedIsCleanedUpAndRunsNoMore) {
  const RunningDomain running = Start(1);
  StoredDomain stored = Stored();
  ASSERT_TRUE(endings_.CleanUpIfEnded(&stored, kAnswerTime).ok());
  EXPECT_TRUE(stored.running) << "it lives";
  ASSERT_TRUE(EndProcess(running.process).ok());
  ASSERT_TRUE(endings_.CleanUpIfEnded(&stored, kAnswerTime).ok());
  EXPECT_FALSE(stored.running);
  ExpectNothingLeft(1);
}

TEST_F(EndingsTest, LabelsStayWhileTheHypervisorCannotEndIt) {
  const RunningDomain running = Start(1);
  Hypervisor *const hypervisor = *host_->machine.HypervisorFor(running.domain);
  vmm_.fails = {"end"};
  EXPECT_FALSE(endings_.EndAndCleanUp(*hypervisor, running).ok());
  EXPECT_NE(LabelOf(Image("vm1.img")), "");
  vmm_.fails.clear();
  EXPECT_TRUE(endings_.EndAndCleanUp(*hypervisor, running).ok());
  EXPECT_FALSE(IsRunning(running.process));
  ExpectNothingLeft(1);
}

// Who was to let it go has ended.
TEST_F(EndingsTest, AGuestThatNobodyLetGoIsEnded) {
  RunningDomain running = Start(1);
  running.starting = true;
  for (const bool is_paused : {false, true}) {
    ASSERT_TRUE(host_->machine.domains().SetRunning(UuidOf(1), running).ok());
    vmm_.is_paused = is_paused;
    StoredDomain stored = Stored();
    ASSERT_TRUE(endings_.CleanUpIfEnded(&stored, kAnswerTime).ok());
    EXPECT_EQ(stored.running.has_value(), !is_paused);
    EXPECT_EQ(Stored().running.has_value(), !is_paused);
    EXPECT_EQ(IsRunning(running.process), !is_paused);
  }
  ExpectNothingLeft(1);
}

TEST_F(EndingsTest, OneThatCannotBeAskedWhetherItWasLetGoIsLeftAlone) {
  RunningDomain running = Start(1);
  running.starting = true;
  ASSERT_TRUE(host_->machine.domains().SetRunning(UuidOf(1), running).ok());
  vmm_.fails = {"state"};
  StoredDomain stored = Stored();
  EXPECT_FALSE(endings_.CleanUpIfEnded(&stored, kAnswerTime).ok());
  EXPECT_TRUE(IsRunning(running.process));
  EXPECT_NE(LabelOf(Image("vm1.img")), "");
}

TEST_F(EndingsTest, ProcessesAreThoseOfTheRegistryAndOfADamagedStatus) {
  Define(1);
  EXPECT_THAT(*endings_.ProcessesOf(Stored()), ElementsAre());
  const RunningDomain running = Start(1);
  EXPECT_THAT(*endings_.ProcessesOf(Stored()), ElementsAre(running.process));
  const StoredDomain damaged = WithoutStatus(running);
  EXPECT_THAT(*endings_.ProcessesOf(damaged), ElementsAre(running.process)) << "once";
  LaunchSpec spec;
  spec.program = "/bin/sleep";
  spec.argv = {"sleep", "120"};
  auto child = Launch(spec);
  ASSERT_TRUE(child.ok());
  StoredDomain named = damaged;
  named.named_process = *IdentifyProcess(child->pid);
  EXPECT_THAT(*endings_.ProcessesOf(named), ElementsAre(running.process, *named.named_process));
  Kill(*child);
  EXPECT_THAT(*endings_.ProcessesOf(named), ElementsAre(running.process)) << "it has ended";
}

TEST_F(EndingsTest, WithADamagedStatusNothingGoesBackWhileItRuns) {
  const RunningDomain running = Start(1);
  const StoredDomain damaged = WithoutStatus(running);
  const Status cleaned = endings_.CleanUpDamaged(damaged);
  ASSERT_FALSE(cleaned.ok());
  EXPECT_EQ(cleaned.error().code, Errc::kConflict);
  EXPECT_THAT(cleaned.error().message,
              HasSubstr("process " + std::to_string(running.process.pid) + " runs as domain"));
  EXPECT_NE(LabelOf(Image("vm1.img")), "");
  ASSERT_TRUE(endings_.DestroyDamaged(damaged).ok());
  EXPECT_FALSE(IsRunning(running.process));
  ExpectNothingLeft(1);
}

TEST_F(EndingsTest, WhatAHypervisorNeverKeptHasNotLeftIt) {
  const RunningDomain running = Start(1);
  const LabelOwner owner{UuidOf(1), "vm1", "fake"};
  EXPECT_FALSE(*endings_.HasLeftHypervisor(owner));
  ASSERT_TRUE(EndProcess(running.process).ok());
  EXPECT_FALSE(*endings_.HasLeftHypervisor(owner));
  LabelStore *const labels = *host_->machine.Labels();
  ASSERT_TRUE(labels->registry().Pin(UuidOf(1), PinnedFor::kHypervisor).ok());
  EXPECT_TRUE(*endings_.HasLeftHypervisor(owner)) << "it has no such domain";
}

}  // namespace
}  // namespace svirt
