// SPDX-License-Identifier: LGPL-2.1-or-later
// What runs is entered again where the database does not know it, and nothing is taken from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AdoptTest : public EngineTest {
 protected:
  ~AdoptTest() override { End(); }

  void End() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      pid_ = -1;
    }
  }
  // The domain with the disk, of which the database is lost while it runs.
  Domain StartAndLose(const SecLabel &seclabel) {
    Domain domain = MakeDomain(1);
    domain.seclabels = {seclabel};
    const auto plan = MakeEngine().Apply(domain, {{MakeDisk(disk_)}});
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::pause();
      ::_exit(0);
    }
    EXPECT_TRUE(MakeEngine().AddHolder(domain, pid_).ok());
    store_.reset();
    std::filesystem::remove_all(dir_ / "state");
    store_ = std::move(*LabelStore::Open({.directory = dir_ / "state"}));
    domain.seclabels = plan->seclabels();
    label_ = Label(disk_);
    return domain;
  }
  Status Adopt(const Domain &running) {
    return MakeEngine().Adopt(running, pid_, {{MakeDisk(disk_)}}, &notes_);
  }

  const std::string disk_ = Image("disk");
  std::vector<std::string> notes_;
  std::string label_;
  pid_t pid_ = -1;
};

TEST_F(AdoptTest, ItHoldsItsLabelAndItsObjectsAgain) {
  const Domain running = StartAndLose(MakeSecLabel(SecLabel::Type::kDynamic, "fakemac"));
  const Status adopted = Adopt(running);
  ASSERT_TRUE(adopted.ok()) << adopted.error().message;
  EXPECT_THAT(notes_, ElementsAre(HasSubstr(disk_)));
  const auto state = *store_->registry().Describe(running.uuid);
  ASSERT_TRUE(state && state->IsLive());
  EXPECT_EQ(state->labels.at(0).label, running.seclabels[0].label);
  EXPECT_FALSE(MakeEngine().Apply(MakeDomain(2), {{MakeDisk(disk_)}}).ok())
      << "the disk is its own";
  EXPECT_FALSE(MakeEngine().Restore(running.uuid).ok());
  End();
  MustRestore(1);
  EXPECT_EQ(Label(disk_), label_) << "what it had before is not known";
  EXPECT_FALSE(IsKnown(1));
}

// Where the label is the same at each start, an older copy of the database names it, too.
TEST_F(AdoptTest, WhatFailsTakesNothingFromWhatRuns) {
  const Domain running = StartAndLose(MakeSecLabel(SecLabel::Type::kStatic, "fakemac", "S:3-4"));
  mac_.fail_set_label = true;
  const Status failed = Adopt(running);
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, HasSubstr("the profile was not loaded"));
  mac_.fail_set_label = false;
  ASSERT_TRUE(MakeEngine().Recover().ok());
  EXPECT_EQ(Label(disk_), label_);
  const auto state = *store_->registry().Describe(running.uuid);
  ASSERT_TRUE(state.has_value());
  EXPECT_TRUE(state->IsLive());
}

TEST_F(AdoptTest, WhatIsKnownOfAnotherStartIsDropped) {
  const Domain running = StartAndLose(MakeSecLabel(SecLabel::Type::kDynamic, "fakemac"));
  const std::string other = Image("other");
  // Of the same domain, whose processes have ended; it gets another label this time.
  MustApply(7, {});
  MustApply(1, {{MakeDisk(other)}});
  MustRestore(7);
  Die(1);
  ASSERT_NE(Label(other), label_);
  const Status adopted = Adopt(running);
  ASSERT_TRUE(adopted.ok()) << adopted.error().message;
  EXPECT_EQ((*store_->registry().Describe(running.uuid))->labels.at(0).label,
            running.seclabels[0].label);
  EXPECT_EQ(Label(disk_), label_);
}

}  // namespace
}  // namespace svirt::fake
