// SPDX-License-Identifier: LGPL-2.1-or-later
// What is told of one domain.
#include "host/service/inspection.h"

#include "host/launch/end_process.h"
#include "host/service/testing/service_test.h"

namespace svirt {
namespace {

using testing::HasSubstr;

class InspectionTest : public ServiceTest {
 protected:
  StoredDomain Find(int number = 1) {
    auto stored = Open()->definitions.Find(NameOf(number));
    EXPECT_TRUE(stored.ok()) << stored.error().message;
    return std::move(*stored);
  }
  DomainState State(StoredDomain *stored) {
    const auto state = Open()->inspection.State(stored);
    EXPECT_TRUE(state.ok()) << state.error().message;
    return *state;
  }
  // Its one model's view.
  DomainLabel Label(StoredDomain *stored) {
    auto labels = Open()->inspection.Labels(stored);
    EXPECT_TRUE(labels.ok()) << labels.error().message;
    EXPECT_EQ(labels->size(), 1u);
    return std::move(labels->front());
  }
};

TEST_F(InspectionTest, TheStateIsTheHypervisorsAnswer) {
  Define(1);
  StoredDomain stored = Find();
  EXPECT_EQ(State(&stored), DomainState::kShutOff);
  Start(1);
  stored = Find();
  EXPECT_EQ(State(&stored), DomainState::kRunning);
  vmm_.is_paused = true;
  EXPECT_EQ(State(&stored), DomainState::kPaused);
  vmm_.fails = {"state"};
  EXPECT_EQ(Open()->inspection.State(&stored).error().message, "told to fail at state");
}

TEST_F(InspectionTest, ADomainThatIsBeingStartedIsNotAsked) {
  StoredDomain stored;
  stored.running = Start(1);
  stored.running->starting = true;
  vmm_.fails = {"state"};
  EXPECT_EQ(State(&stored), DomainState::kPaused);
}

TEST_F(InspectionTest, OneThatEndsAfterItWasFoundIsCleanedUp) {
  const RunningDomain running = Start(1);
  for (const bool asks_labels : {false, true}) {
    StoredDomain stored = Find();
    if (!stored.running) {
      ASSERT_TRUE(Open()->lifecycle.Start("vm1", "").ok());
      stored = Find();
    }
    ASSERT_TRUE(EndProcess(stored.running->process).ok());
    if (asks_labels) {
      mac_.SetProcessLabel(stored.running->process.pid, "");
      EXPECT_EQ(Label(&stored).label, "unlabelled");
    } else {
      EXPECT_EQ(State(&stored), DomainState::kShutOff);
      EXPECT_FALSE(stored.running);
      ExpectNothingLeft(1);
    }
  }
}

TEST_F(InspectionTest, LabelsAreReadFromTheKernel) {
  const RunningDomain running = Start(1);
  StoredDomain stored = Find();
  DomainLabel label = Label(&stored);
  EXPECT_EQ(label.label, running.domain.seclabels.front().label);
  EXPECT_TRUE(label.verified);
  EXPECT_TRUE(label.enforcing);
  mac_.SetProcessLabel(running.process.pid, "L:27");
  EXPECT_EQ(Label(&stored).label, "L:27");
}

TEST_F(InspectionTest, WhereTheKernelCannotBeAskedTheyAreThoseOfTheStart) {
  config_.model_settings["fakemac"]["unverifiable"] = {"yes"};
  const RunningDomain running = Start(1);
  StoredDomain stored = Find();
  const DomainLabel label = Label(&stored);
  EXPECT_EQ(label.label, running.domain.seclabels.front().label);
  EXPECT_FALSE(label.verified);
}

TEST_F(InspectionTest, TheModelsAreThoseOfTheStart) {
  const RunningDomain running = Start(1);
  config_.models = {"othermac"};
  StoredDomain stored = Find();
  const DomainLabel label = Label(&stored);
  EXPECT_EQ(label.model.model, "fakemac");
  EXPECT_EQ(label.label, running.domain.seclabels.front().label);
}

TEST_F(InspectionTest, AModelThatIsGoneIsNamed) {
  Start(1);
  StoredDomain stored = Find();
  config_.plugin_directories = {dir_ / "images"};
  const auto labels = Open()->inspection.Labels(&stored);
  ASSERT_FALSE(labels.ok());
  EXPECT_THAT(labels.error().message,
              HasSubstr("domain 'vm1' was started under model fakemac, which is not active any"));
}

TEST_F(InspectionTest, OfOneThatDoesNotRunTheModelsOfItsNextStartAreTold) {
  Define(1);
  config_.models = {"othermac"};
  config_.doi["othermac"] = "here.example";
  StoredDomain stored = Find();
  const DomainLabel label = Label(&stored);
  EXPECT_EQ(label.model.model, "othermac");
  EXPECT_EQ(label.model.doi, "here.example");
  EXPECT_EQ(label.label, "");
}

TEST_F(InspectionTest, AStartUnderAPermissiveDomainIsTold) {
  config_.model_settings["fakemac"]["permissive_domains"] = {"yes"};
  Start(1);
  EXPECT_THAT(Warnings(), HasSubstr("model fakemac is permissive for domain vm1"));
}

}  // namespace
}  // namespace svirt
