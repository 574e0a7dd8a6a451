// SPDX-License-Identifier: LGPL-2.1-or-later
// What a domain asks for, what the host allows, and what the plan shows of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using Action = ResourcePlan::Action;

TEST_F(EngineTest, APlanTouchesNothingAndComesTrue) {
  const std::string disk = Image("disk");
  Resource log = MakeDisk(dir_ / "log");
  log.kind = ResourceKind::kLog;
  log.optional = true;
  log.access = kAccessWrite | kAccessCreate;
  const Manifest manifest{{MakeDisk(disk), log}};
  Engine engine = MakeEngine();
  const auto plan = engine.MakePlan(MakeDomain(1), manifest);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(Label(disk), "original-disk");
  EXPECT_EQ(mac_.sets, 0);
  EXPECT_FALSE(IsKnown(1));
  EXPECT_NE(::access(log.path.c_str(), F_OK), 0);
  EXPECT_THAT(plan->items[1].note, HasSubstr("created at start"));
  EXPECT_TRUE(plan->items[1].changes);
  EXPECT_FALSE(plan->has_conflict());

  const Plan applied = MustApply(1, manifest);
  EXPECT_EQ(applied.models[0].seclabel.label, plan->models[0].seclabel.label);
  EXPECT_EQ(Label(disk), plan->items[0].label);
  struct stat st {};
  ASSERT_EQ(::stat(log.path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
  EXPECT_EQ(Label(log.path), applied.items[1].label);
  // Once more there is nothing to do, and the label is the same.
  const auto again = engine.MakePlan(MakeDomain(1), manifest);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->has_changes());
  EXPECT_EQ(again->models[0].seclabel.label, plan->models[0].seclabel.label);
}

TEST_F(EngineTest, LayersAreAppliedAndUndoneTogether) {
  const std::string disk = Image("disk");
  Engine engine = MakeEngine({mac_.plugin(), profile_.plugin()});
  const auto plan = engine.Apply(MakeDomain(1), {{MakeDisk(disk)}});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  ASSERT_EQ(plan->models.size(), 2u);
  ASSERT_EQ(plan->items.size(), 2u);
  EXPECT_EQ(plan->items[0].action, Action::kSet);
  EXPECT_EQ(plan->items[1].action, Action::kGrant);
  EXPECT_EQ(plan->items[1].label, "rw");
  EXPECT_NE(profile_.ProfileOf(MakeDomain(1).uuid), "");
  const auto recipes = engine.PrepareExec(MakeDomain(1), *plan);
  ASSERT_TRUE(recipes.ok());
  EXPECT_EQ(recipes->size(), 2u);
  EXPECT_EQ((*recipes)[0].op[0].data, plan->models[0].seclabel.label);
  ASSERT_TRUE(engine.Restore(MakeDomain(1).uuid).ok());
  EXPECT_EQ(profile_.ProfileOf(MakeDomain(1).uuid), "");
  EXPECT_EQ(Label(disk), "original-disk");
}

TEST_F(EngineTest, UsesOfOneObjectBecomeOneTheStrongest) {
  const std::string disk = Image("disk");
  ASSERT_EQ(::link(disk.c_str(), (dir_ / "hard").c_str()), 0);
  ASSERT_EQ(::symlink(disk.c_str(), (dir_ / "soft").c_str()), 0);
  const Plan plan = MustApply(
      1, {{MakeDisk(disk, true), MakeDisk(dir_ / "hard", true, true), MakeDisk(dir_ / "soft")}});
  EXPECT_EQ(mac_.sets, 1);
  EXPECT_EQ(Label(disk), plan.models[0].seclabel.image_label);
  for (const PlanItem &item : plan.items) {
    EXPECT_EQ(item.label, Label(disk));
    EXPECT_TRUE(item.exclusive);
  }
}

TEST_F(EngineTest, OneObjectWithTwoWishesIsRefused) {
  const std::string disk = Image("disk");
  Resource one = MakeDisk(disk), two = MakeDisk(disk, true);
  one.overrides = {{.model = "fakemac", .relabel = true, .label = "A"}};
  two.overrides = {{.model = "fakemac", .relabel = true, .label = "B"}};
  const auto refused = MakeEngine().Apply(MakeDomain(1), {{one, two}});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("are the same object"));
}

TEST_F(EngineTest, OverridesOfADevice) {
  const std::string kept = Image("kept"), given = Image("given"), other = Image("other");
  Resource a = MakeDisk(kept), b = MakeDisk(given), c = MakeDisk(other);
  a.overrides = {{.model = "", .relabel = false, .label = ""}};
  b.overrides = {{.model = "", .relabel = false, .label = ""},
                 {.model = "fakemac", .relabel = true, .label = "by the owner"}};
  c.overrides = {{.model = "elsewhere", .relabel = false, .label = ""}};
  const Plan plan = MustApply(1, {{a, b, c}});
  EXPECT_EQ(plan.items[0].action, Action::kNone);
  EXPECT_THAT(plan.items[0].note, HasSubstr("relabel='no'"));
  EXPECT_EQ(Label(kept), "original-kept");
  EXPECT_EQ(Label(given), "by the owner");
  EXPECT_EQ(Label(other), plan.models[0].seclabel.image_label);
}

TEST_F(EngineTest, StaticLabels) {
  const std::string disk = Image("disk");
  Domain domain = MakeDomain(1);
  domain.seclabels = {MakeSecLabel(SecLabel::Type::kStatic, "", "S:5-6")};
  Engine engine = MakeEngine();
  ASSERT_TRUE(engine.Verify(domain).empty());
  const auto plan = engine.Apply(domain, {{MakeDisk(disk)}});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->models[0].seclabel.label, "S:5-6");
  EXPECT_EQ(Label(disk), "I:5-6");

  Domain second = MakeDomain(2);
  second.seclabels = {MakeSecLabel(SecLabel::Type::kStatic, "fakemac", "S:6-9")};
  const auto conflict = engine.MakePlan(second, {});
  ASSERT_TRUE(conflict.ok());
  EXPECT_TRUE(conflict->has_conflict());
  EXPECT_THAT(conflict->models[0].conflict, HasSubstr("domain vm1"));
  EXPECT_EQ(engine.Apply(second, {}).error().code, Errc::kConflict);

  second.seclabels[0].relabel = false;
  second.seclabels[0].label = "S:7-7";
  const std::string own = Image("own");
  ASSERT_TRUE(engine.Apply(second, {{MakeDisk(own)}}).ok());
  EXPECT_EQ(Label(own), "original-own");

  second.seclabels[0].label = "nonsense";
  EXPECT_EQ(engine.Verify(second).ToStatus().error().code, Errc::kInvalid);
  second.seclabels[0].label = "";
  EXPECT_THAT(engine.Verify(second).ToStatus().error().message,
              HasSubstr("security label is missing"));
}

// A plugin may take a label in other words than those it gives back.
TEST_F(EngineTest, AStaticLabelIsOnRecordAsThePluginHasIt) {
  Domain domain = MakeDomain(1);
  domain.seclabels = {MakeSecLabel(SecLabel::Type::kStatic, "fakemac", "s:5-6")};
  Engine engine = MakeEngine();
  const auto plan = engine.Apply(domain, {});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->models[0].seclabel.label, "S:5-6");
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  ASSERT_TRUE(engine.AddHolder(domain, pid).ok());
  const auto again = engine.Apply(domain, {});
  EXPECT_TRUE(again.ok()) << again.error().message;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

// relabel='no' is about what the XML names.
TEST_F(EngineTest, WhatTheHostMakesForADomainHasItsLabelWithoutRelabel) {
  const std::string disk = Image("disk"), log = Image("log");
  Domain domain = MakeDomain(1);
  domain.seclabels = {MakeSecLabel(SecLabel::Type::kStatic, "fakemac", "S:5-5")};
  domain.seclabels[0].relabel = false;
  Resource own = MakeDisk(log);
  own.kind = ResourceKind::kLog;
  own.by_host = true;
  ASSERT_TRUE(MakeEngine().Apply(domain, {{MakeDisk(disk), own}}).ok());
  EXPECT_EQ(Label(disk), "original-disk");
  EXPECT_EQ(Label(log), "I:5-5");
}

TEST_F(EngineTest, EverythingThatIsNotValidIsToldAtOnce) {
  Domain domain = MakeDomain(1);
  domain.seclabels = {MakeSecLabel(SecLabel::Type::kStatic, "fakemac", "odd"),
                      MakeSecLabel(SecLabel::Type::kStatic, "fakeprofile", "odder")};
  ConfinementPolicy policy;
  policy.paths.own = {dir_ / "own"};
  const Manifest manifest{{MakeDisk(dir_ / "own/disk")}};
  Engine engine = MakeEngine({mac_.plugin(), profile_.plugin()}, policy);
  EXPECT_THAT(engine.Verify(domain, manifest).ToStatus().error().message,
              AllOf(HasSubstr("the label odd is not valid"),
                    HasSubstr("the label odder is not valid"), HasSubstr("svirt's own")));
  domain.seclabels[0].model = "nobody";
  domain.seclabels[1].model = "nobody2";
  EXPECT_THAT(engine.Verify(domain, manifest).ToStatus().error().message,
              AllOf(HasSubstr("the security model nobody and the security model nobody2, which"),
                    HasSubstr("svirt's own")));
}

TEST_F(EngineTest, ThePolicyOfTheHost) {
  Domain domain = MakeDomain(1);
  const std::string disk = Image("disk");
  domain.seclabels = {MakeSecLabel(SecLabel::Type::kNone, "fakemac")};
  const auto refused =
      MakeEngine({mac_.plugin()}, {.require_confined = true}).Verify(domain).ToStatus();
  EXPECT_EQ(refused.error().code, Errc::kRefused);
  EXPECT_THAT(refused.error().message, HasSubstr("Unconfined guests are not allowed on this host"));
  const auto plan = MakeEngine().Apply(domain, {{MakeDisk(disk)}});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->models[0].seclabel.type, SecLabel::Type::kNone);
  EXPECT_EQ(Label(disk), "original-disk");
  EXPECT_TRUE(MakeEngine().PrepareExec(domain, *plan)->empty());
  EXPECT_FALSE(IsKnown(1));

  domain.seclabels.clear();
  Engine lax = MakeEngine({mac_.plugin()}, {.default_confined = false});
  EXPECT_EQ(lax.MakePlan(domain, {})->models[0].seclabel.type, SecLabel::Type::kNone);

  domain.seclabels = {MakeSecLabel(SecLabel::Type::kDynamic, "elsewhere")};
  const auto unknown = MakeEngine().MakePlan(domain, {});
  EXPECT_EQ(unknown.error().code, Errc::kRefused);
  EXPECT_THAT(unknown.error().message, HasSubstr("active here: fakemac"));
  domain.seclabels[0].type = SecLabel::Type::kNone;  // wanting nothing of it is no problem
  EXPECT_TRUE(MakeEngine().MakePlan(domain, {}).ok());
}

TEST_F(EngineTest, WithoutAPluginThereAreNoModels) {
  const std::string disk = Image("disk");
  Engine engine = MakeEngine(std::vector<Plugin *>{});
  const auto plan = engine.Apply(MakeDomain(1), {{MakeDisk(disk)}});
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->models, IsEmpty());
  EXPECT_THAT(plan->items, IsEmpty());
  EXPECT_TRUE(engine.AddHolder(MakeDomain(1), ::getpid()).ok());
  EXPECT_TRUE(engine.VerifyProcess(MakeDomain(1), *plan, ::getpid()).ok());
  EXPECT_TRUE(engine.Restore(MakeDomain(1).uuid).ok());
}

TEST_F(EngineTest, TheProcessMustBearTheLabel) {
  const Plan plan = MustApply(1, {});
  Engine engine = MakeEngine();
  const auto wrong = engine.VerifyProcess(MakeDomain(1), plan, ::getpid());
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, Errc::kRefused);
  EXPECT_THAT(wrong.error().message,
              HasSubstr("unlabelled instead of " + plan.models[0].seclabel.label));
  mac_.SetProcessLabel(::getpid(), plan.models[0].seclabel.label);
  EXPECT_TRUE(engine.VerifyProcess(MakeDomain(1), plan, ::getpid()).ok());
  mac_.options.can_ask_processes = false;
  mac_.SetProcessLabel(::getpid(), "anything");
  EXPECT_TRUE(engine.VerifyProcess(MakeDomain(1), plan, ::getpid()).ok());
}

}  // namespace
}  // namespace svirt::fake
