// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels and programs for other VM managers: all of it or nothing, and back when nothing runs.
#include "host/service/confinement.h"

#include <filesystem>

#include "host/launch/end_process.h"
#include "host/service/testing/service_test.h"

namespace svirt {
namespace {

using testing::HasSubstr;

class ConfinementTest : public ServiceTest {
 protected:
  // Nobody gives these programs the labels that a kernel would.
  ConfinementTest() { config_.model_settings["fakemac"]["unverifiable"] = {"yes"}; }

  static LaunchSpec Sleep() {
    LaunchSpec spec;
    spec.program = "/bin/sleep";
    spec.argv = {"sleep", "120"};
    return spec;
  }
  Child LaunchAs(const Domain &domain) {
    auto child = Open()->confinement.Launch(domain, Sleep());
    EXPECT_TRUE(child.ok()) << child.error().message;
    return child.ok() ? std::move(*child) : Child();
  }
  Error LaunchFails(const Domain &domain, LaunchSpec spec) {
    const auto child = Open()->confinement.Launch(domain, std::move(spec));
    EXPECT_FALSE(child.ok());
    return child.ok() ? Error() : child.error();
  }
  std::string Label() { return LabelOf(Image("vm1.img")); }
};

// ---- Labels without a process

TEST_F(ConfinementTest, LabelsStayWithoutAProcessUntilTheyAreRestored) {
  const Domain domain = Parse(Xml(1));
  const auto plan = Open()->confinement.Label(domain);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(Label(), plan->models.front().seclabel.image_label);
  EXPECT_TRUE(Open()->recovery.Recover(nullptr).ok());
  EXPECT_NE(Label(), "");
  ASSERT_TRUE(Open()->confinement.Restore(domain).ok());
  ExpectNothingLeft(1);
}

TEST_F(ConfinementTest, LabelsOfALostXmlGoBackByNameOrUuid) {
  for (const std::string &name : {NameOf(1), UuidOf(1)}) {
    ASSERT_TRUE(Open()->confinement.Label(Parse(Xml(1))).ok());
    const auto host = Open();
    const auto owner = host->owners.Find(name);
    ASSERT_TRUE(owner.ok()) << owner.error().message;
    Domain domain;
    domain.uuid = owner->uuid;
    domain.name = owner->name;
    domain.type = owner->virt_type;
    ASSERT_TRUE(host->confinement.Restore(domain).ok());
    ExpectNothingLeft(1);
  }
}

TEST_F(ConfinementTest, WhatStandsAgainstLabelsIsToldAndNothingDone) {
  const Domain domain =
      Parse(Xml(1, "<seclabel type='static' model='fakemac'><label>odd</label></seclabel>"));
  const auto plan = Open()->confinement.Label(domain);
  ASSERT_FALSE(plan.ok());
  EXPECT_THAT(plan.error().message, HasSubstr("the label odd is not valid"));
  ExpectNothingLeft(1);
}

TEST_F(ConfinementTest, TheHypervisorHasNoSay) {
  vmm_.refuses = {{Errc::kUnsupported, "no such sound card"}};
  EXPECT_TRUE(Open()->confinement.Label(Parse(Xml(1))).ok());
}

TEST_F(ConfinementTest, RunDirectoryAndLogAreNoneOfTheirs) {
  const auto plan = Open()->confinement.Label(Parse(Xml(1)));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  for (const Resource &resource : plan->manifest.resources) {
    EXPECT_NE(resource.kind, ResourceKind::kRundir);
    EXPECT_NE(resource.kind, ResourceKind::kLog);
  }
}

TEST_F(ConfinementTest, WhileAProcessRunsNothingGoesBack) {
  const RunningDomain running = Start(1);
  const Status restored = Open()->confinement.Restore(running.domain);
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(restored.error().code, Errc::kConflict);
  EXPECT_THAT(restored.error().message, HasSubstr("process " + std::to_string(running.process.pid) +
                                                  " still runs as domain"));
  EXPECT_NE(Label(), "");
}

// ---- Programs

TEST_F(ConfinementTest, AProgramHoldsTheLabelsUntilItIsReleased) {
  const Domain domain = Parse(Xml(1));
  Child child = LaunchAs(domain);
  EXPECT_NE(Label(), "");
  EXPECT_TRUE(Open()->confinement.Release(domain).ok());
  EXPECT_NE(Label(), "") << "it still runs";
  Kill(child);
  EXPECT_TRUE(Open()->confinement.Release(domain).ok());
  ExpectNothingLeft(1);
}

TEST_F(ConfinementTest, AProgramThatIsNotStartedLeavesNothing) {
  const Domain domain = Parse(Xml(1));
  LaunchSpec elsewhere = Sleep();
  elsewhere.cwd = dir_ / "nowhere";
  EXPECT_THAT(LaunchFails(domain, std::move(elsewhere)).message, HasSubstr("nowhere"));
  ExpectNothingLeft(1);
  LaunchSpec missing = Sleep();
  missing.program = dir_ / "missing";
  EXPECT_EQ(LaunchFails(domain, std::move(missing)).code, Errc::kNotFound);
  ExpectNothingLeft(1);
  LaunchSpec searched = Sleep();
  searched.program = "sleep";
  EXPECT_THAT(LaunchFails(domain, std::move(searched)).message, HasSubstr("give the path"));
  ExpectNothingLeft(1);
}

TEST_F(ConfinementTest, AProgramUnderAnotherLabelIsEndedAndLeavesNothing) {
  config_.model_settings["fakemac"].erase("unverifiable");
  const Error error = LaunchFails(Parse(Xml(1)), Sleep());
  EXPECT_EQ(error.code, Errc::kRefused);
  EXPECT_THAT(error.message, HasSubstr("unlabelled"));
  ExpectNothingLeft(1);
}

TEST_F(ConfinementTest, AProgramThatFailsTakesNothingFromADomainThatRuns) {
  const RunningDomain running = Start(1);
  const std::string label = Label();
  LaunchSpec elsewhere = Sleep();
  elsewhere.cwd = dir_ / "nowhere";
  LaunchFails(running.domain, std::move(elsewhere));
  EXPECT_EQ(Label(), label);
  EXPECT_TRUE(Open()->definitions.Find("vm1")->running);
}

TEST_F(ConfinementTest, AProgramGetsTheModelsOfAStart) {
  config_.require_model = "another";
  const auto refused = Open()->confinement.Run(Parse(Xml(1)), {"/bin/true"}, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("requires the security model another"));
  config_.require_model = "";
  EXPECT_FALSE(std::filesystem::exists(paths_.state_dir + "/chosen-models"));
  EXPECT_EQ(Open()->confinement.Run(Parse(Xml(1)), {"/bin/true"}, {}).value(), 0);
  EXPECT_TRUE(std::filesystem::exists(paths_.state_dir + "/chosen-models"))
      << "so that nothing weaker takes its place the next time";
}

// A program beside a running domain has its labels, whatever the configuration says now, and what
// was written down about the domain stays.
TEST_F(ConfinementTest, BesideARunningDomainAProgramJoinsIt) {
  const RunningDomain running = Start(1);
  const std::string label = Label();
  config_.models = {"othermac"};
  Child child = LaunchAs(Parse(Xml(1)));
  EXPECT_EQ(Label(), label);
  EXPECT_EQ(other_.LabelOf(Image("vm1.img")), "");
  EXPECT_EQ(Open()->definitions.Find("vm1")->running->process, running.process);
  Kill(child);
  ASSERT_TRUE(Open()->confinement.Release(running.domain).ok());
  EXPECT_EQ(Label(), label) << "the domain has it still";
  EXPECT_EQ(Open()->definitions.Find("vm1")->running->process, running.process);
}

TEST_F(ConfinementTest, RunGivesTheExitStatusAndLeavesNothing) {
  const Domain domain = Parse(Xml(1));
  const auto code = Open()->confinement.Run(domain, {"/bin/sh", "-c", "exit 7"}, {});
  ASSERT_TRUE(code.ok()) << code.error().message;
  EXPECT_EQ(*code, 7);
  ExpectNothingLeft(1);
  EXPECT_EQ(Open()->confinement.Run(domain, {}, {}).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace svirt
