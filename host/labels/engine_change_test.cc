// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens to the labels of a domain that runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

using testing::HasSubstr;

class ChangeTest : public EngineTest {
 protected:
  ~ChangeTest() override { End(); }

  // The domain, as it runs from now on under the labels that it was given for the manifest.
  Domain Start(const Manifest &manifest, const std::vector<Plugin *> &plugins) {
    auto plan = MakeEngine(plugins).Apply(MakeDomain(1), manifest);
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::pause();
      ::_exit(0);
    }
    EXPECT_TRUE(MakeEngine(plugins).AddHolder(MakeDomain(1), pid_).ok());
    Domain running = MakeDomain(1);
    for (const ModelLabels &labels : plan->models) {
      running.seclabels.push_back(labels.seclabel);
    }
    return running;
  }
  void End() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      pid_ = -1;
    }
  }

  const std::string a_ = Image("a"), b_ = Image("b"), c_ = Image("c");
  pid_t pid_ = -1;
};

TEST_F(ChangeTest, ExactlyTheNewManifestIsLabelled) {
  const Domain running = Start({{MakeDisk(a_), MakeDisk(b_)}}, {mac_.plugin()});
  const std::string label = Label(a_);
  Engine engine = MakeEngine();
  const auto plan = engine.Change(running, pid_, {{MakeDisk(a_), MakeDisk(c_)}});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->models[0].seclabel.label, running.seclabels[0].label);
  EXPECT_EQ(Label(a_), label);
  EXPECT_EQ(Label(b_), "original-b");
  EXPECT_EQ(Label(c_), label);
  End();
  MustRestore(1);
  EXPECT_EQ(Label(c_), "original-c");
}

// What another program that is run as the domain needs is not all that the domain needs.
TEST_F(ChangeTest, ApplyTakesNothingFromADomainThatRuns) {
  Start({{MakeDisk(a_), MakeDisk(b_)}}, {mac_.plugin()});
  const std::string label = Label(b_);
  MustApply(1, {{MakeDisk(a_), MakeDisk(c_)}});
  EXPECT_EQ(Label(b_), label);
  EXPECT_EQ(Label(c_), label);
  End();
  MustApply(1, {{MakeDisk(a_)}});
  EXPECT_EQ(Label(b_), "original-b");
}

// The model would give the domain another label for other resources; its process has this one.
TEST_F(ChangeTest, AProcessKeepsTheLabelItHas) {
  profile_.options.space = {};
  Domain running = Start({{MakeDisk(a_)}}, {profile_.plugin()});
  running.seclabels[0].label = "L:that-it-has";
  const auto plan = MakeEngine({profile_.plugin()}).Change(running, pid_, {{MakeDisk(b_)}});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(profile_.ProfileOf(running.uuid), "L:that-it-has");
}

TEST_F(ChangeTest, AModelThatIsSettledAtTheStartRefusesBeforeAnythingIsTouched) {
  profile_.options.fixed = true;
  const std::vector<Plugin *> both = {mac_.plugin(), profile_.plugin()};
  const Domain running = Start({{MakeDisk(a_)}}, both);
  Engine engine = MakeEngine(both);
  mac_.sets = 0;
  const Manifest more{{MakeDisk(a_), MakeDisk(b_)}};
  for (const auto &refused :
       {engine.PlanChange(running, pid_, more), engine.Change(running, pid_, more)}) {
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Errc::kUnsupported);
    EXPECT_THAT(refused.error().message, HasSubstr("fakeprofile cannot change what domain 'vm1'"));
  }
  EXPECT_EQ(mac_.sets, 0);
  EXPECT_EQ(Label(b_), "original-b");
  EXPECT_TRUE(engine.Change(running, pid_, {{MakeDisk(a_)}}).ok()) << "what it has, it may have";
}

TEST_F(ChangeTest, AFailureLeavesTheOldLabels) {
  const Domain running = Start({{MakeDisk(a_), MakeDisk(b_, true)}}, {mac_.plugin()});
  mac_.sets = 0;
  mac_.fail_set_at = 2;
  const auto failed =
      MakeEngine().Change(running, pid_, {{MakeDisk(a_), MakeDisk(b_), MakeDisk(c_)}});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(Label(a_), running.seclabels[0].image_label);
  EXPECT_EQ(Label(b_), "content");
  EXPECT_EQ(Label(c_), "original-c");
}

TEST_F(ChangeTest, AnImageThatAnotherDomainReadsIsNotMadeWritable) {
  MustApply(2, {{MakeDisk(b_, true)}});
  const Domain running = Start({{MakeDisk(a_), MakeDisk(b_, true)}}, {mac_.plugin()});
  const auto refused = MakeEngine().Change(running, pid_, {{MakeDisk(a_), MakeDisk(b_)}});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("vm2"));
  EXPECT_EQ(Label(b_), "content");
}

TEST_F(ChangeTest, ModelsThatItWasNotStartedUnderAreNoBasis) {
  const Domain running = Start({{MakeDisk(a_)}}, {mac_.plugin()});
  for (const std::vector<Plugin *> &plugins :
       {std::vector<Plugin *>{}, {mac_.plugin(), profile_.plugin()}}) {
    const auto refused = MakeEngine(plugins).Change(running, pid_, {{MakeDisk(a_)}});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Errc::kUnsupported);
  }
}

}  // namespace
}  // namespace svirt::fake
