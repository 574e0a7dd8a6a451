// SPDX-License-Identifier: LGPL-2.1-or-later
// Start and destroy: all of it or nothing, whatever fails and whatever was lost.
#include "host/service/lifecycle.h"

#include <filesystem>

#include "host/launch/end_process.h"
#include "host/service/testing/service_test.h"

namespace svirt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LifecycleTest : public ServiceTest {
 protected:
  Error StartFails(int number, const std::string &plan_id = "") {
    const auto started = Open()->lifecycle.Start(NameOf(number), plan_id);
    EXPECT_FALSE(started.ok());
    return started.ok() ? Error() : started.error();
  }
  std::string PlanId(int number) {
    const auto host = Open();
    const auto plan = host->planning.Make(host->definitions.Find(NameOf(number))->domain);
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_NE(plan->id, "");
    return plan->id;
  }
  // Another process of the domain, beside the one that its hypervisor started.
  ProcessId StartBeside(int number) {
    LaunchSpec spec;
    spec.program = "/bin/sleep";
    spec.argv = {"sleep", "120"};
    const auto child = Launch(spec);
    EXPECT_TRUE(child.ok()) << child.error().message;
    ProcessId process = *IdentifyProcess(child->pid);
    const auto host = Open();
    EXPECT_TRUE((*host->machine.Labels())->registry().AddHolder(UuidOf(number), process).ok());
    return process;
  }
  void LoseRunDirectory() { std::filesystem::remove_all(paths_.run_dir); }
};

TEST_F(LifecycleTest, ADomainHasItsLabelsFromStartToEnd) {
  const RunningDomain running = Start(1);
  EXPECT_EQ(LabelOf(Image("vm1.img")), running.domain.seclabels.front().image_label);
  EXPECT_TRUE(IsRunning(running.process));
  EXPECT_EQ(StartFails(1).code, Errc::kExists);
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_FALSE(IsRunning(running.process));
  ExpectNothingLeft(1);
  EXPECT_EQ(Open()->lifecycle.Destroy("vm1").error().code, Errc::kConflict) << "it does not run";
}

TEST_F(LifecycleTest, DomainsHaveLabelsOfTheirOwn) {
  Start(1);
  Start(2);
  EXPECT_NE(LabelOf(Image("vm1.img")), LabelOf(Image("vm2.img")));
}

// ---- A start that fails

TEST_F(LifecycleTest, AStartThatFailsAtAStepLeavesNothing) {
  Define(1);
  for (const char *step : {"prepare", "launch", "announced", "paused", "runs"}) {
    vmm_.fails = {step};
    EXPECT_THAT(StartFails(1).message, HasSubstr("told to fail at " + std::string(step)));
    ExpectNothingLeft(1);
  }
  vmm_.fails.clear();
  EXPECT_TRUE(Open()->lifecycle.Start("vm1", "").ok());
}

TEST_F(LifecycleTest, WhatStandsAgainstAStartIsToldBeforeAnythingIsDone) {
  Define(1);
  vmm_.refuses = {{Errc::kUnsupported, "no such sound card"}};
  vmm_.lacks = {{Errc::kNotFound, "no /dev/kvm"}};
  std::filesystem::remove(Image("vm1.img"));
  const Error error = StartFails(1);
  EXPECT_THAT(error.message, HasSubstr("no such sound card"));
  EXPECT_THAT(error.message, HasSubstr("no /dev/kvm"));
  EXPECT_THAT(error.message, HasSubstr("vm1.img"));
  EXPECT_THAT(vmm_.Steps(), ElementsAre());
  ExpectNothingLeft(1);
}

TEST_F(LifecycleTest, AnObjectThatCannotBeLabelledStopsTheStart) {
  Define(1);
  for (const char *number : {"1", "2", "3"}) {  // the image, the run directory, the log
    config_.model_settings["fakemac"]["fail_set_at"] = {number};
    EXPECT_THAT(StartFails(1).message, HasSubstr("set to fail")) << number;
    EXPECT_THAT(vmm_.Steps(), ElementsAre("prepare")) << number;
    ExpectNothingLeft(1);
  }
}

TEST_F(LifecycleTest, ALabelThatCannotBeMadeKnownStopsTheStart) {
  Define(1);
  config_.model_settings["fakemac"]["fail_set_label"] = {"yes"};
  EXPECT_THAT(StartFails(1).message, HasSubstr("the profile was not loaded"));
  ExpectNothingLeft(1);
}

TEST_F(LifecycleTest, AProcessUnderAnotherLabelIsEnded) {
  Define(1);
  ProcessId process;
  vmm_.label = [&](pid_t pid, const Plan &) {
    process = *IdentifyProcess(pid);
    mac_.SetProcessLabel(pid, "L:27");
  };
  EXPECT_EQ(StartFails(1).code, Errc::kRefused);
  EXPECT_FALSE(IsRunning(process));
  ExpectNothingLeft(1);
}

TEST_F(LifecycleTest, LabelsStayWhereWhatWasStartedCannotBeEnded) {
  Define(1);
  vmm_.fails = {"runs", "end"};
  const Error error = StartFails(1);
  EXPECT_THAT(error.message, HasSubstr("told to fail at runs"));
  EXPECT_THAT(error.message, HasSubstr("could not be undone: told to fail at end"));
  EXPECT_NE(LabelOf(Image("vm1.img")), "");
  vmm_.fails.clear();
  EXPECT_TRUE(Open()->recovery.Recover(nullptr).ok());
  ExpectNothingLeft(1);
}

TEST_F(LifecycleTest, ATypeThatNothingRunsIsNamed) {
  ASSERT_TRUE(Open()->definitions.Define(Xml(1, "", "foreign"), "vm.xml").ok());
  const Error error = StartFails(1);
  EXPECT_EQ(error.code, Errc::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("type 'foreign'; the types known here are fake"));
}

// ---- What the run directory has lost, the registry knows

TEST_F(LifecycleTest, WithoutItsStatusADomainThatRunsIsNotStartedAgain) {
  const RunningDomain running = Start(1);
  LoseRunDirectory();
  const Error error = StartFails(1);
  EXPECT_EQ(error.code, Errc::kExists);
  EXPECT_THAT(error.message, HasSubstr("process " + std::to_string(running.process.pid) +
                                       " runs as domain 'vm1' already; 'svirt destroy' ends it"));
  EXPECT_THAT(vmm_.Steps(), ElementsAre());
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_FALSE(IsRunning(running.process));
  ExpectNothingLeft(1);
  EXPECT_TRUE(Open()->lifecycle.Start("vm1", "").ok());
}

TEST_F(LifecycleTest, DestroyEndsEveryProcessOfTheDomain) {
  Start(1);
  const ProcessId beside = StartBeside(1);
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_FALSE(IsRunning(beside));
  ExpectNothingLeft(1);
}

TEST_F(LifecycleTest, DestroyEndsWhatLivesOnWithoutTheEmulator) {
  const RunningDomain running = Start(1);
  const ProcessId beside = StartBeside(1);
  ASSERT_TRUE(EndProcess(running.process).ok());
  EXPECT_FALSE(Open()->lifecycle.Start("vm1", "").ok()) << "labels are in use still";
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_FALSE(IsRunning(beside));
  ExpectNothingLeft(1);
}

TEST_F(LifecycleTest, LabelsStayWhileTheHypervisorCannotEndIt) {
  const RunningDomain running = Start(1);
  vmm_.fails = {"end"};
  EXPECT_FALSE(Open()->lifecycle.Destroy("vm1").ok());
  EXPECT_TRUE(IsRunning(running.process));
  EXPECT_NE(LabelOf(Image("vm1.img")), "");
}

// ---- The models it was started with

TEST_F(LifecycleTest, ADomainEndsUnderTheModelsItWasStartedWith) {
  Start(1);
  config_.models = {"othermac"};
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  ExpectNothingLeft(1);
  const auto running = Open()->lifecycle.Start("vm1", "");
  ASSERT_TRUE(running.ok()) << running.error().message;
  EXPECT_EQ(running->domain.seclabels.front().model, "othermac");
  EXPECT_EQ(LabelOf(Image("vm1.img")), "");
  EXPECT_NE(other_.LabelOf(Image("vm1.img")), "");
}

TEST_F(LifecycleTest, WithoutItsModelADomainIsEndedAndKeepsItsLabels) {
  const RunningDomain running = Start(1);
  config_.plugin_directories = {dir_ / "images"};
  const Status destroyed = Open()->lifecycle.Destroy("vm1");
  ASSERT_FALSE(destroyed.ok());
  EXPECT_THAT(destroyed.error().message, HasSubstr("fakemac"));
  EXPECT_FALSE(IsRunning(running.process));
  EXPECT_NE(LabelOf(Image("vm1.img")), "");
}

// ---- By a plan

TEST_F(LifecycleTest, AStartByItsPlanDoesJustThat) {
  Define(1);
  const std::string id = PlanId(1);
  EXPECT_TRUE(Open()->lifecycle.Start("vm1", id).ok());
}

TEST_F(LifecycleTest, AStartThatDiffersFromItsPlanNamesWhatDiffers) {
  Define(1);
  const std::string id = PlanId(1);
  mac_.SetLabelOf(Image("vm1.img"), "other");
  Error error = StartFails(1, id);
  EXPECT_EQ(error.code, Errc::kConflict);
  EXPECT_THAT(error.message, HasSubstr("different are the labels on objects now;"));
  config_.models = {"othermac"};
  EXPECT_THAT(StartFails(1, id).message, HasSubstr("the models, labels and walls of the domain"));
  config_.models = {"fakemac"};
  Define(1, "<seclabel type='static' model='fakemac'><label>S:5-5</label></seclabel>");
  EXPECT_THAT(StartFails(1, id).message, HasSubstr("the models, labels and walls of the domain"));
  EXPECT_THAT(vmm_.Steps(), ElementsAre());
  EXPECT_EQ(StartFails(1, "1-2-3").code, Errc::kInvalid);
  EXPECT_EQ(LabelOf(Image("vm1.img")), "other");
}

// ---- <seclabel>

// What is svirt's own is never the administrator's to label.
TEST_F(LifecycleTest, WithoutRelabelOwnObjectsAreLabelledAllTheSame) {
  Start(1, "<seclabel type='static' model='fakemac' relabel='no'><label>S:5-5</label></seclabel>");
  EXPECT_EQ(LabelOf(Image("vm1.img")), "");
  const auto host = Open();
  const DomainPlace place = host->machine.domains().PlaceOf(UuidOf(1));
  EXPECT_NE(LabelOf(place.run_dir), "");
  EXPECT_NE(LabelOf(place.log_path), "");
  ASSERT_TRUE(host->lifecycle.Destroy("vm1").ok());
  EXPECT_EQ(LabelOf(place.log_path), "");
}

}  // namespace
}  // namespace svirt
