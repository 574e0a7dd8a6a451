// SPDX-License-Identifier: LGPL-2.1-or-later
// A plan says what a start will do, and does nothing.
#include "host/service/planning.h"

#include <filesystem>

#include "host/service/testing/service_test.h"

namespace svirt {
namespace {

using testing::HasSubstr;

class PlanningTest : public ServiceTest {
 protected:
  DomainPlan Plan(const Domain &domain) {
    auto plan = Open()->planning.Make(domain);
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    return plan.ok() ? std::move(*plan) : DomainPlan();
  }
  std::string PlannedLabel(const Domain &domain) {
    return Plan(domain).plan.models.front().seclabel.label;
  }
};

TEST_F(PlanningTest, TheLabelOfAPlanIsThatOfTheStartAndThatOfTheKernel) {
  Start(1);  // takes the first
  Define(2);
  const std::string planned = PlannedLabel(Parse(Xml(2)));
  EXPECT_EQ(Start(2).domain.seclabels.front().label, planned);
  const auto host = Open();
  auto stored = host->definitions.Find("vm2");
  EXPECT_EQ(host->inspection.Labels(&*stored)->front().label, planned);
  EXPECT_EQ(PlannedLabel(stored->domain), planned) << "while it runs";
}

TEST_F(PlanningTest, TheManifestOfAPlanIsThatOfTheStart) {
  const Domain domain = Parse(Xml(1));
  const DomainPlan plan = Plan(domain);
  const auto paths = [](const Manifest &manifest) {
    std::vector<std::string> all;
    for (const Resource &resource : manifest.resources) {
      all.push_back(resource.path);
    }
    return all;
  };
  std::vector<std::string> started;
  const auto label = vmm_.label;
  vmm_.label = [&](pid_t pid, const svirt::Plan &carried_out) {
    started = paths(carried_out.manifest);
    label(pid, carried_out);
  };
  Start(1);
  EXPECT_EQ(paths(plan.plan.manifest), started);
}

TEST_F(PlanningTest, APlanWritesNothing) {
  const DomainPlan plan = Plan(Parse(Xml(1)));
  EXPECT_NE(plan.id, "");
  EXPECT_EQ(LabelOf(Image("vm1.img")), "");
  EXPECT_FALSE(std::filesystem::exists(paths_.state_dir + "/labels.db"));
  EXPECT_FALSE(std::filesystem::exists(paths_.state_dir + "/chosen-models"));
  EXPECT_FALSE(std::filesystem::exists(paths_.run_dir + "/domains/" + UuidOf(1)));
}

TEST_F(PlanningTest, TheSamePlanHasTheSameId) {
  const std::string id = Plan(Parse(Xml(1))).id;
  EXPECT_EQ(Plan(Parse(Xml(1))).id, id);
  EXPECT_NE(Plan(Parse(Xml(2))).id, id);
}

TEST_F(PlanningTest, WhatCannotStartHasAPlanOfWhatCanBeToldAndNoId) {
  vmm_.refuses = {{Errc::kUnsupported, "no such sound card"}};
  const DomainPlan plan = Plan(Parse(Xml(1)));
  EXPECT_EQ(plan.id, "");
  EXPECT_THAT(plan.refusals.ToStatus().error().message, HasSubstr("no such sound card"));
  EXPECT_EQ(plan.plan.models.size(), 1u);
}

TEST_F(PlanningTest, WhatAnotherDomainHasLeavesNoId) {
  Start(1);
  const DomainPlan plan =
      Plan(Parse("<domain type='fake'><name>vm2</name><memory>65536</memory><devices>" +
                 DiskXml(Image("vm1.img")) + "</devices></domain>"));
  EXPECT_TRUE(plan.plan.has_conflict());
  EXPECT_EQ(plan.id, "");
}

TEST_F(PlanningTest, ThatNoModelCanBeChosenIsOneReasonOfSeveral) {
  config_.models = {"nobody"};
  vmm_.refuses = {{Errc::kUnsupported, "no such sound card"}};
  const DomainPlan plan = Plan(Parse(Xml(1)));
  EXPECT_EQ(plan.id, "");
  EXPECT_THAT(plan.refusals.ToStatus().error().message, HasSubstr("nobody"));
  EXPECT_THAT(plan.refusals.ToStatus().error().message, HasSubstr("no such sound card"));
}

// fakemac would be asked first.
TEST_F(PlanningTest, ModelsThatAreInactiveHaveNoSay) {
  config_.choice = DriverChoice::kAuto;
  config_.model_settings["fakemac"]["inactive"] = {"yes"};
  const DomainPlan plan = Plan(Parse(Xml(1)));
  ASSERT_EQ(plan.plan.models.size(), 1u);
  EXPECT_EQ(plan.plan.models.front().model, "othermac");
  EXPECT_NE(plan.id, "");
}

TEST_F(PlanningTest, ADoiHasTheNameThatTheAdministratorGaveIt) {
  EXPECT_EQ(Plan(Parse(Xml(1))).plan.models.front().doi, "tests.example");
  config_.doi["fakemac"] = "here.example";
  EXPECT_EQ(Plan(Parse(Xml(1))).plan.models.front().doi, "here.example");
}

TEST_F(PlanningTest, AHeldLabelIsTheDomainsWhateverElseIsStarted) {
  Define(1);
  const auto held = Open()->planning.Hold(Parse(Xml(1)));
  ASSERT_TRUE(held.ok()) << held.error().message;
  const std::string label = held->plan.models.front().seclabel.label;
  EXPECT_EQ(LabelOf(Image("vm1.img")), "") << "only the label is kept";
  EXPECT_NE(Start(2).domain.seclabels.front().label, label);
  const auto started = Open()->lifecycle.Start("vm1", "");
  ASSERT_TRUE(started.ok()) << started.error().message;
  EXPECT_EQ(started->domain.seclabels.front().label, label);
  EXPECT_EQ(Open()->planning.Hold(Parse(Xml(1))).error().code, Errc::kConflict) << "it runs";
  ASSERT_TRUE(Open()->lifecycle.Destroy("vm1").ok());
  ExpectNothingLeft(1);
}

TEST_F(PlanningTest, OfWhatCannotStartNothingIsHeld) {
  vmm_.refuses = {{Errc::kUnsupported, "no such sound card"}};
  const auto held = Open()->planning.Hold(Parse(Xml(1)));
  ASSERT_TRUE(held.ok()) << held.error().message;
  EXPECT_EQ(held->id, "");
  EXPECT_TRUE(Open()->owners.All()->empty());
}

TEST_F(PlanningTest, VerifyJudgesLabelsAndNotWhatIsMissingNow) {
  const std::string odd = "<seclabel type='static' model='fakemac'><label>odd</label></seclabel>";
  const Domain missing = Parse(Xml(1));
  std::filesystem::remove(Image("vm1.img"));
  EXPECT_TRUE(Open()->planning.Verify(missing).ok());
  EXPECT_EQ(Open()->planning.Verify(Parse(Xml(1, odd))).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace svirt
