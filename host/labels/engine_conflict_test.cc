// SPDX-License-Identifier: LGPL-2.1-or-later
// Several domains, living and dead, and one object.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

using testing::HasSubstr;

TEST_F(EngineTest, ASharedObjectIsResetByItsLastDomain) {
  const std::string base = Image("base");
  MustApply(1, {{MakeDisk(base, true)}});
  MustApply(2, {{MakeDisk(base, true)}});
  MustApply(3, {{MakeDisk(base, true)}});
  MustRestore(1);
  EXPECT_EQ(Label(base), "content");
  MustRestore(3);
  EXPECT_EQ(Label(base), "content");
  MustRestore(2);
  EXPECT_EQ(Label(base), "original-base");
}

TEST_F(EngineTest, TheSecondDomainIsRefusedTheExclusiveDiskByName) {
  const std::string disk = Image("disk"), other = Image("other");
  MustApply(1, {{MakeDisk(disk)}});
  const std::string label = Label(disk);
  const Manifest manifest{{MakeDisk(other), MakeDisk(disk)}};
  Engine engine = MakeEngine();
  const auto plan = engine.MakePlan(MakeDomain(2), manifest);
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->has_conflict());
  EXPECT_EQ(plan->items[0].conflict, "");
  EXPECT_THAT(plan->items[1].conflict, HasSubstr("domain vm1 (" + MakeDomain(1).uuid + ")"));
  mac_.sets = 0;
  const auto refused = engine.Apply(MakeDomain(2), manifest);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr(plan->items[1].conflict));
  EXPECT_EQ(mac_.sets, 0);
  EXPECT_EQ(Label(disk), label);
  EXPECT_EQ(Label(other), "original-other");
  EXPECT_FALSE(IsKnown(2));
  MustRestore(1);
  EXPECT_TRUE(engine.Apply(MakeDomain(2), manifest).ok());
}

TEST_F(EngineTest, AnObjectIsNotRelabelledUnderAnotherDomain) {
  const std::string base = Image("base");
  MustApply(1, {{MakeDisk(base, true)}});
  // Writing to what another domain reads, and sharing it in another way, are both conflicts.
  for (const Resource &use : {MakeDisk(base), MakeDisk(base, false, true)}) {
    const auto refused = MakeEngine().Apply(MakeDomain(2), {{use}});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Errc::kConflict);
    EXPECT_EQ(Label(base), "content");
  }
}

TEST_F(EngineTest, AFailedStartDoesNotStripASharedBaseImage) {
  const std::string base = Image("base"), disk1 = Image("disk1"), disk2 = Image("disk2");
  MustApply(1, {{MakeDisk(disk1), MakeDisk(base, true)}});
  mac_.sets = 0;
  mac_.fail_set_at = 1;  // disk2; the base image bears its label already
  const auto failed = MakeEngine().Apply(MakeDomain(2), {{MakeDisk(base, true), MakeDisk(disk2)}});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(Label(base), "content");
  EXPECT_EQ(Label(disk2), "original-disk2");
  MustRestore(1);
  EXPECT_EQ(Label(base), "original-base");
}

TEST_F(EngineTest, AProfileModelKeepsAnImageToOneWriter) {
  const std::string disk = Touch(dir_ / "disk");
  Engine engine = MakeEngine({profile_.plugin()});
  ASSERT_TRUE(engine.Apply(MakeDomain(1), {{MakeDisk(disk)}}).ok());
  const auto refused = engine.Apply(MakeDomain(2), {{MakeDisk(disk, true)}});
  EXPECT_TRUE(refused.ok());  // granted to read: the profile says no more than that
  ASSERT_TRUE(engine.Restore(MakeDomain(2).uuid).ok());
  const auto writer = engine.Apply(MakeDomain(2), {{MakeDisk(disk)}});
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.error().code, Errc::kConflict);
  EXPECT_EQ(profile_.ProfileOf(MakeDomain(2).uuid), "");
  // Another model on the same host sees the use, too.
  EXPECT_EQ(MakeEngine().Apply(MakeDomain(3), {{MakeDisk(disk)}}).error().code, Errc::kConflict);
}

TEST_F(EngineTest, ARunningDomainIsNotRestored) {
  const std::string disk = Image("disk");
  MustApply(1, {{MakeDisk(disk)}});
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  ASSERT_TRUE(MakeEngine().AddHolder(MakeDomain(1), pid).ok());
  const auto refused = MakeEngine().Restore(MakeDomain(1).uuid);
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr("still runs"));
  EXPECT_TRUE(MakeEngine().Recover().ok());
  EXPECT_NE(Label(disk), "original-disk");
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  EXPECT_TRUE(MakeEngine().Recover().ok());
  EXPECT_EQ(Label(disk), "original-disk");
}

TEST_F(EngineTest, PinnedLabelsStayUntilRestore) {
  const std::string disk = Image("disk");
  MustApply(1, {{MakeDisk(disk)}});
  ASSERT_TRUE(MakeEngine().Pin(MakeDomain(1).uuid).ok());
  EXPECT_TRUE(MakeEngine().Recover().ok());
  EXPECT_NE(Label(disk), "original-disk");
  EXPECT_EQ(MakeEngine().Apply(MakeDomain(2), {{MakeDisk(disk)}}).error().code, Errc::kConflict);
  MustRestore(1);
  EXPECT_EQ(Label(disk), "original-disk");
}

TEST_F(EngineTest, ReservedLabelsAreThoseOfTheNextApplyWhateverStartsBefore) {
  const std::string disk = Image("disk"), other = Image("other");
  const auto planned = MakeEngine().MakePlan(MakeDomain(1), {{MakeDisk(disk)}});
  ASSERT_TRUE(planned.ok());
  ASSERT_TRUE(MakeEngine().Reserve(MakeDomain(1), {{MakeDisk(disk)}}).ok());
  EXPECT_EQ(Label(disk), "original-disk");
  const std::string label = planned->models[0].seclabel.label;
  EXPECT_NE(MustApply(2, {{MakeDisk(other)}}).models[0].seclabel.label, label);
  EXPECT_TRUE(MakeEngine().Recover().ok());  // which is no end of a reservation
  EXPECT_EQ(MustApply(1, {{MakeDisk(disk)}}).models[0].seclabel.label, label);
  MustRestore(1);
  EXPECT_EQ(Label(disk), "original-disk");
  const auto known = store_->registry().Describe(MakeDomain(1).uuid);
  ASSERT_TRUE(known.ok());
  EXPECT_FALSE(known->has_value());
}

TEST_F(EngineTest, AReservationThatCannotBeHadLeavesNothing) {
  Domain domain = MakeDomain(1);
  SecLabel none;
  none.type = SecLabel::Type::kNone;
  domain.seclabels.push_back(none);
  const auto status = MakeEngine().Reserve(domain, {});
  EXPECT_EQ(status.error().code, Errc::kUnsupported);
  const auto known = store_->registry().Describe(domain.uuid);
  ASSERT_TRUE(known.ok());
  EXPECT_FALSE(known->has_value());
}

TEST_F(EngineTest, ADeadDomainBlocksNobodyAndItsOriginalCounts) {
  const std::string disk = Image("disk"), own = Image("own");
  MustApply(1, {{MakeDisk(disk), MakeDisk(own)}});
  Die(1);
  MustApply(2, {{MakeDisk(disk)}});
  EXPECT_EQ(Label(disk), "I:" + MakeEngine()
                                    .MakePlan(MakeDomain(2), {{MakeDisk(disk)}})
                                    ->models[0]
                                    .seclabel.label.substr(2));
  ASSERT_TRUE(MakeEngine().Recover().ok());
  EXPECT_EQ(Label(own), "original-own");
  EXPECT_NE(Label(disk), "original-disk");  // it is domain 2's
  MustRestore(2);
  EXPECT_EQ(Label(disk), "original-disk");
}

TEST_F(EngineTest, LabelsOfForeignProcessesAreNotGivenOut) {
  mac_.options.space = {{0, 2}};
  ASSERT_EQ(::mkdir((dir_ / "proc/self").c_str(), 0700), 0);
  ASSERT_EQ(::mkdir((dir_ / ("proc/" + std::to_string(::getpid()))).c_str(), 0700), 0);
  mac_.SetProcessLabel(::getpid(), "L:0");
  const auto plan = MakeEngine().MakePlan(MakeDomain(1), {});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->models[0].seclabel.label, "L:1");
  EXPECT_EQ(MustApply(1, {}).models[0].seclabel.label, "L:1");
  EXPECT_EQ(MakeEngine().Apply(MakeDomain(2), {}).error().code, Errc::kExhausted);
  mac_.SetProcessLabel(::getpid(), "gone");
  EXPECT_EQ(MustApply(2, {}).models[0].seclabel.label, "L:0");
}

TEST_F(EngineTest, ManyStartsOfOneDiskHaveOneWinner) {
  const std::string disk = Image("disk");
  constexpr int kProcesses = 12;
  store_.reset();
  std::vector<pid_t> children;
  for (int p = 1; p <= kProcesses; ++p) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto store = LabelStore::Open({.directory = dir_ / "state"});
      if (!store.ok()) {
        ::_exit(3);
      }
      Engine engine(store->get(), {mac_.plugin()}, {}, dir_ / "proc");
      const auto plan = engine.Apply(MakeDomain(p), {{MakeDisk(disk)}});
      if (plan.ok()) {
        std::ofstream(dir_ / "winner", std::ios::app) << plan->models[0].seclabel.image_label;
        ::pause();  // alive until all others have tried
      }
      ::_exit(plan.error().code == Errc::kConflict ? 1 : 2);
    }
    children.push_back(pid);
  }
  // All but the winner end by themselves.
  for (int ended = 0; ended < kProcesses - 1; ++ended) {
    int status = 0;
    const pid_t pid = ::wait(&status);
    EXPECT_EQ(WEXITSTATUS(status), 1);
    std::erase(children, pid);
  }
  ASSERT_EQ(children.size(), 1u);
  // The others are refused as soon as its use is recorded; it may still be labelling.
  std::string winner;
  for (int i = 0; i < 1000 && winner.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::ifstream(dir_ / "winner") >> winner;
  }
  EXPECT_EQ(Label(disk), winner);
  ::kill(children[0], SIGKILL);
  ::waitpid(children[0], nullptr, 0);
}

}  // namespace
}  // namespace svirt::fake
