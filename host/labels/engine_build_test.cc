// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels of domains that a hypervisor builds and keeps by a number.
#include <gmock/gmock.h>

#include "host/labels/testing/engine_fixture.h"

namespace svirt {
namespace {

using fake::MakeDomain;
using fake::MakeSecLabel;
using testing::HasSubstr;

class EngineBuildTest : public fake::EngineTest {
 protected:
  EngineBuildTest() : engine_(MakeEngine({xsm_.plugin()})) {}

  Plan Apply(Engine &engine, const Domain &domain) {
    auto plan = engine.Apply(domain, {});
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    return plan.ok() ? std::move(*plan) : Plan{};
  }

  fake::Model xsm_{dir_ / "kernel", {.name = "fakexsm", .hypervisor = true}};
  Engine engine_;
  Domain domain_ = MakeDomain(1);
};

TEST_F(EngineBuildTest, MovesADomainFromItsBuildLabelToItsOwn) {
  const Plan plan = Apply(engine_, domain_);
  const std::string label = plan.models.front().seclabel.label;
  const auto build_label = engine_.PrepareBuild(domain_, plan);
  ASSERT_TRUE(build_label.ok()) << build_label.error().message;
  EXPECT_EQ(*build_label, label + "/build");
  xsm_.SetDomainLabel(7, *build_label);
  EXPECT_TRUE(engine_.VerifyBuild(domain_, plan, 7, *build_label).ok());
  ASSERT_TRUE(engine_.FinishBuild(domain_, plan, 7).ok());
  EXPECT_EQ(xsm_.DomainLabel(7), label);
}

TEST_F(EngineBuildTest, AnotherLabelIsRefused) {
  const Plan plan = Apply(engine_, domain_);
  xsm_.SetDomainLabel(7, "L:99");
  const auto status = engine_.VerifyBuild(domain_, plan, 7, *engine_.PrepareBuild(domain_, plan));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Errc::kRefused);
  EXPECT_THAT(status.error().message, HasSubstr("has the fakexsm label L:99 instead of"));
}

TEST_F(EngineBuildTest, NoLabelAtAllIsAnError) {
  const Plan plan = Apply(engine_, domain_);
  EXPECT_FALSE(engine_.VerifyBuild(domain_, plan, 7, "L:0/build").ok());
}

TEST_F(EngineBuildTest, AMoveThatFailsOrDoesNothingIsAnError) {
  const Plan plan = Apply(engine_, domain_);
  xsm_.SetDomainLabel(7, *engine_.PrepareBuild(domain_, plan));
  xsm_.fail_relabel = true;
  EXPECT_THAT(engine_.FinishBuild(domain_, plan, 7).error().message, HasSubstr("lacks a rule"));
  xsm_.fail_relabel = false;
  xsm_.skip_relabel = true;
  EXPECT_EQ(engine_.FinishBuild(domain_, plan, 7).error().code, Errc::kRefused);
}

TEST_F(EngineBuildTest, AModelOfProcessesIsRefused) {
  Engine engine = MakeEngine();
  const Plan plan = Apply(engine, domain_);
  const auto label = engine.PrepareBuild(domain_, plan);
  ASSERT_FALSE(label.ok());
  EXPECT_EQ(label.error().code, Errc::kRefused);
  EXPECT_THAT(label.error().message, HasSubstr("confines processes"));
}

TEST_F(EngineBuildTest, AModelThatCannotTellIsRefused) {
  xsm_.options.can_ask_processes = false;
  const Plan plan = Apply(engine_, domain_);
  const auto status = engine_.VerifyBuild(domain_, plan, 7, "L:0/build");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Errc::kRefused);
}

TEST_F(EngineBuildTest, TwoModelsAreRefused) {
  Engine engine = MakeEngine({xsm_.plugin(), mac_.plugin()});
  const Plan plan = Apply(engine, domain_);
  EXPECT_EQ(engine.PrepareBuild(domain_, plan).error().code, Errc::kUnsupported);
  ASSERT_TRUE(engine.Restore(domain_.uuid).ok());
  domain_.seclabels = {MakeSecLabel(SecLabel::Type::kNone, "fakemac")};
  const Plan one = Apply(engine, domain_);
  EXPECT_TRUE(engine.PrepareBuild(domain_, one).ok());
}

TEST_F(EngineBuildTest, NoneIsNoLabel) {
  domain_.seclabels = {MakeSecLabel(SecLabel::Type::kNone, "fakexsm")};
  const Plan plan = Apply(engine_, domain_);
  const auto label = engine_.PrepareBuild(domain_, plan);
  ASSERT_TRUE(label.ok());
  EXPECT_EQ(*label, "");
  EXPECT_TRUE(engine_.VerifyBuild(domain_, plan, 7, *label).ok());
  EXPECT_TRUE(engine_.FinishBuild(domain_, plan, 7).ok());
}

TEST_F(EngineBuildTest, WhatAHypervisorHasStaysKnownAsThat) {
  Apply(engine_, domain_);
  ASSERT_TRUE(engine_.Pin(domain_.uuid).ok());
  EXPECT_FALSE((*store_->registry().Describe(domain_.uuid))->in_hypervisor);
  ASSERT_TRUE(engine_.Pin(domain_.uuid, PinnedFor::kHypervisor).ok());
  ASSERT_TRUE(engine_.Pin(domain_.uuid).ok());
  const auto state = store_->registry().Describe(domain_.uuid);
  EXPECT_TRUE((*state)->pinned);
  EXPECT_TRUE((*state)->in_hypervisor);
  ASSERT_TRUE(engine_.Restore(domain_.uuid).ok());
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(EngineBuildTest, WhatAHypervisorHasIsNotGivenToAnother) {
  xsm_.options.space = {{3, 1}};
  Apply(engine_, domain_);
  ASSERT_TRUE(engine_.Pin(domain_.uuid, PinnedFor::kHypervisor).ok());
  const auto other = engine_.Apply(MakeDomain(2), {});
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Errc::kExhausted);
}

}  // namespace
}  // namespace svirt
