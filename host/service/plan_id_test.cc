// SPDX-License-Identifier: LGPL-2.1-or-later
// Ids of plans: the same for the same plan, and naming the part that differs.
#include "host/service/plan_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace svirt {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char *kModels = "models, labels and walls";
constexpr const char *kResources = "its resources";
constexpr const char *kLabels = "on objects now";

Domain SomeDomain() {
  Domain domain;
  domain.uuid = "11111111-2222-3333-4444-555555555555";
  domain.name = "vm";
  return domain;
}

Plan SomePlan() {
  Plan plan;
  Resource disk;
  disk.path = "/images/a";
  plan.manifest.resources = {disk};
  ModelLabels model;
  model.model = "some";
  model.seclabel.label = "s1";
  plan.models = {model};
  PlanItem item;
  item.model = "some";
  item.label = "i1";
  plan.items = {item};
  return plan;
}

// What CheckPlanId says of the plan's id after change has been made to it.
std::string Complaint(const std::function<void(Plan *)> &change) {
  const std::string id = PlanIdOf(SomeDomain(), SomePlan(), {});
  Plan changed = SomePlan();
  change(&changed);
  const Status status = CheckPlanId(id, SomeDomain(), changed, {});
  return status.ok() ? "" : status.error().message;
}

TEST(PlanId, IsTheSameForTheSamePlan) {
  EXPECT_EQ(PlanIdOf(SomeDomain(), SomePlan(), {}), PlanIdOf(SomeDomain(), SomePlan(), {}));
  EXPECT_EQ(Complaint([](Plan *) {}), "");
}

TEST(PlanId, AWallLessIsAnotherPlan) {
  const std::string id = PlanIdOf(SomeDomain(), SomePlan(), {"pid-namespace"});
  EXPECT_TRUE(CheckPlanId(id, SomeDomain(), SomePlan(), {"pid-namespace"}).ok());
  const Status status = CheckPlanId(id, SomeDomain(), SomePlan(), {});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr(kModels));
}

TEST(PlanId, NamesThePartThatDiffers) {
  EXPECT_THAT(Complaint([](Plan *plan) { plan->models[0].seclabel.label = "s2"; }),
              AllOf(HasSubstr(kModels), Not(HasSubstr(kResources)), Not(HasSubstr(kLabels))));
  EXPECT_THAT(Complaint([](Plan *plan) { plan->models[0].enforcing = true; }), HasSubstr(kModels));
  EXPECT_THAT(Complaint([](Plan *plan) { plan->manifest.resources[0].access |= kAccessWrite; }),
              AllOf(HasSubstr(kResources), Not(HasSubstr(kModels)), Not(HasSubstr(kLabels))));
  EXPECT_THAT(Complaint([](Plan *plan) { plan->items[0].current = "old"; }),
              AllOf(HasSubstr(kLabels), Not(HasSubstr(kModels)), Not(HasSubstr(kResources))));
}

// An empty label is not the same as none.
TEST(PlanId, TellsNoLabelFromAnEmptyOne) {
  EXPECT_THAT(Complaint([](Plan *plan) { plan->items[0].current = ""; }), HasSubstr(kLabels));
}

TEST(PlanId, IsOfOneDomain) {
  Domain other = SomeDomain();
  other.uuid = "11111111-2222-3333-4444-555555555556";
  const Status status = CheckPlanId(PlanIdOf(SomeDomain(), SomePlan(), {}), other, SomePlan(), {});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Errc::kConflict);
}

TEST(PlanId, OtherTextIsNone) {
  for (const std::string id : {"", "1", "1-2-3", "2-00000000-00000000-00000000"}) {
    const Status status = CheckPlanId(id, SomeDomain(), SomePlan(), {});
    ASSERT_FALSE(status.ok()) << id;
    EXPECT_EQ(status.error().code, Errc::kInvalid) << id;
  }
}

}  // namespace
}  // namespace svirt
