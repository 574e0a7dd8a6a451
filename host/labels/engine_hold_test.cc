// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is just starting a domain holds its labels, and is none of its processes: what fails leaves
// nothing, also in a daemon that lives on.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

#include "host/labels/testing/engine_fixture.h"
#include "host/util/fd.h"

namespace svirt::fake {
namespace {

using testing::HasSubstr;

class HoldTest : public EngineTest {
 protected:
  ~HoldTest() override { End(); }

  OwnerState Describe(int domain) {
    const auto state = store_->registry().Describe(MakeDomain(domain).uuid);
    EXPECT_TRUE(state.ok() && *state) << "domain " << domain << " is not known";
    return state.ok() && *state ? **state : OwnerState{};
  }
  // What every other process sees.
  size_t ProcessesSeenByOthers(int domain) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const auto store = LabelStore::Open({.directory = dir_ / "state"});
      const auto state = (*store)->registry().Describe(MakeDomain(domain).uuid);
      ::_exit(*state ? static_cast<int>((*state)->processes.size()) : 99);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? static_cast<size_t>(WEXITSTATUS(status)) : 99;
  }
  // A process that runs body with an engine of its own, and stays until End.
  void Stay(const std::function<void(Engine &)> &body) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const Fd ready(ends[0]);
    Fd done(ends[1]);
    other_ = ::fork();
    if (other_ == 0) {
      const auto store = LabelStore::Open({.directory = dir_ / "state"});
      Engine engine(store->get(), {mac_.plugin()}, {}, dir_ / "proc");
      body(engine);
      done.Reset();
      ::pause();
      ::_exit(0);
    }
    done.Reset();
    char none = 0;
    ASSERT_EQ(::read(ready.get(), &none, 1), 0);
  }
  // Domain 1 lives by a process that is not this one.
  Plan Live(const Manifest &manifest) {
    Plan plan = MustApply(1, manifest);
    Stay([](Engine &) {});
    EXPECT_TRUE(MakeEngine().AddHolder(MakeDomain(1), other_).ok());
    return plan;
  }
  void End() {
    if (other_ > 0) {
      ::kill(other_, SIGKILL);
      ::waitpid(other_, nullptr, 0);
      other_ = -1;
    }
  }

  pid_t other_ = -1;
};

TEST_F(HoldTest, WhoStartsADomainIsNoneOfItsProcesses) {
  MustApply(1, {{MakeDisk(Image("disk"))}});
  EXPECT_TRUE(Describe(1).processes.empty());
  EXPECT_TRUE(Describe(1).own_hold);
  EXPECT_TRUE(Describe(1).IsLive()) << "so that nobody takes its labels";
  MustRestore(1);
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(HoldTest, AnotherOneThatStartsItIs) {
  const std::string disk = Image("disk");
  Stay([&](Engine &engine) { (void)engine.Apply(MakeDomain(1), {{MakeDisk(disk)}}); });
  ASSERT_EQ(Describe(1).processes.size(), 1u);
  EXPECT_EQ(Describe(1).processes.front().pid, other_);
  EXPECT_FALSE(Describe(1).own_hold);
  EXPECT_EQ(MakeEngine().Restore(MakeDomain(1).uuid).error().code, Errc::kConflict);
  End();
  MustRestore(1);
  EXPECT_EQ(Label(disk), "original-disk");
}

TEST_F(HoldTest, AProcessOfItsOwnCountsAlsoIfItIsThisOne) {
  MustApply(1, {{MakeDisk(Image("disk"))}});
  ASSERT_TRUE(MakeEngine().AddHolder(MakeDomain(1), ::getpid()).ok());
  EXPECT_EQ(Describe(1).processes.size(), 1u);
  EXPECT_FALSE(Describe(1).own_hold);
  const auto restored = MakeEngine().Restore(MakeDomain(1).uuid);
  ASSERT_FALSE(restored.ok());
  EXPECT_THAT(restored.error().message, HasSubstr("still runs"));
}

TEST_F(HoldTest, AnUndoThatFailsDoesNotLiveByThisProcess) {
  const std::string disk = Image("disk");
  MustApply(1, {{MakeDisk(disk)}});
  mac_.fail_set_at = mac_.sets + 1;
  EXPECT_FALSE(MakeEngine().Restore(MakeDomain(1).uuid).ok());
  EXPECT_FALSE(Describe(1).own_hold);
  EXPECT_FALSE(Describe(1).IsLive());
  EXPECT_EQ(Describe(1).objects, 1) << "the way back is remembered";
  EXPECT_EQ(ProcessesSeenByOthers(1), 0u);
  mac_.fail_set_at = 0;
  MustApply(2, {{MakeDisk(disk)}});
  MustRestore(2);
  EXPECT_EQ(Label(disk), "original-disk");
}

TEST_F(HoldTest, APinnedDomainKeepsItsLabelsWhenOthersAreAskedFor) {
  const std::string disk = Image("disk");
  MustApply(1, {{MakeDisk(disk)}});
  const std::string label = Label(disk);
  ASSERT_TRUE(MakeEngine().Pin(MakeDomain(1).uuid).ok());
  Domain changed = MakeDomain(1);
  changed.seclabels = {MakeSecLabel(SecLabel::Type::kStatic, "fakemac", "L:40")};
  const auto applied = MakeEngine().Apply(changed, {{MakeDisk(disk)}});
  ASSERT_FALSE(applied.ok());
  EXPECT_THAT(applied.error().message, HasSubstr("still holds another label of model fakemac"));
  EXPECT_THAT(applied.error().message, HasSubstr("run 'svirt restore vm1'"));
  EXPECT_FALSE(MakeEngine().Reserve(changed, {{MakeDisk(disk)}}).ok());
  EXPECT_EQ(Label(disk), label);
  EXPECT_TRUE(Describe(1).pinned);
  const auto planned = MakeEngine().MakePlan(changed, {{MakeDisk(disk)}});
  ASSERT_TRUE(planned.ok());
  EXPECT_TRUE(planned->has_conflict()) << "a plan says what a start would do";
  MustRestore(1);
  EXPECT_TRUE(MakeEngine().Apply(changed, {{MakeDisk(disk)}}).ok());
}

TEST_F(HoldTest, AStartThatCannotBeTakenBackDoesNotLiveByThisProcess) {
  // The profile can be neither loaded nor unloaded.
  const std::string profile = profile_.FileOf("profile-" + MakeDomain(1).uuid);
  ASSERT_EQ(::mkdir(profile.c_str(), 0700), 0);
  Touch(profile + "/in the way");
  Engine both = MakeEngine({mac_.plugin(), profile_.plugin()});
  const std::string disk = Image("disk");
  ASSERT_FALSE(both.Apply(MakeDomain(1), {{MakeDisk(disk)}}).ok());
  EXPECT_FALSE(Describe(1).own_hold);
  EXPECT_EQ(ProcessesSeenByOthers(1), 0u);
  ASSERT_EQ(::unlink((profile + "/in the way").c_str()), 0);
  ASSERT_EQ(::rmdir(profile.c_str()), 0);
  ASSERT_TRUE(both.Recover().ok());
  EXPECT_FALSE(IsKnown(1));
  EXPECT_EQ(Label(disk), "original-disk");
}

TEST_F(HoldTest, AStartThatFailsBesideALivingProcessLeavesNoHold) {
  const std::string disk = Image("disk");
  Live({{MakeDisk(disk)}});
  mac_.fail_set_at = mac_.sets + 1;
  const Manifest more{{MakeDisk(disk), MakeDisk(Image("other"))}};
  ASSERT_FALSE(MakeEngine().Apply(MakeDomain(1), more).ok());
  EXPECT_EQ(ProcessesSeenByOthers(1), 1u);
  EXPECT_FALSE(Describe(1).own_hold);
}

TEST_F(HoldTest, AChangeOfALivingDomainLeavesNoHold) {
  const std::string disk = Image("disk");
  const Plan plan = Live({{MakeDisk(disk)}});
  Domain running = MakeDomain(1);
  running.seclabels = plan.seclabels();
  const Manifest more{{MakeDisk(disk), MakeDisk(Image("other"))}};
  const auto changed = MakeEngine().Change(running, other_, more);
  ASSERT_TRUE(changed.ok()) << changed.error().message;
  EXPECT_EQ(ProcessesSeenByOthers(1), 1u);
  EXPECT_FALSE(Describe(1).own_hold);
}

}  // namespace
}  // namespace svirt::fake
