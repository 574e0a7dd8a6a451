// SPDX-License-Identifier: LGPL-2.1-or-later
// Entries of a domain's own on objects that several domains share, or only read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "host/labels/apply/handover.h"
#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

using testing::HasSubstr;

class EntryTest : public EngineTest {
 protected:
  Engine MakeEngine() { return EngineTest::MakeEngine({acl_.plugin()}); }
  Plan MustApply(int domain, const Manifest &manifest) {
    auto plan = MakeEngine().Apply(MakeDomain(domain), manifest);
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    return plan.ok() ? std::move(*plan) : Plan{};
  }
  void MustRestore(int domain, std::vector<std::string> *notes = nullptr) {
    const auto status = MakeEngine().Restore(MakeDomain(domain).uuid, notes);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
  std::string Base(const std::string &name = "base") {
    std::string path = Touch(dir_ / name);
    acl_.SetLabelOf(path, "original");
    return path;
  }
  std::string Entries(const std::string &path) { return acl_.EntriesOf(path); }
  // The entry of the domain's own, as it is read.
  std::string EntryOf(const Plan &plan, const std::string &access) {
    return "E:" + plan.models.at(0).seclabel.label.substr(2) + ":" + access + " ";
  }

  Model acl_{dir_ / "kernel", {.name = "fakeacl", .entries = true}};
};

TEST_F(EntryTest, EachDomainHasItsOwnAndTakesJustThatWithIt) {
  const std::string base = Base();
  const Plan one = MustApply(1, {{MakeDisk(base, true)}});
  EXPECT_EQ(Entries(base), EntryOf(one, "r"));
  const Plan two = MustApply(2, {{MakeDisk(base, true)}});
  EXPECT_EQ(Entries(base), EntryOf(one, "r") + EntryOf(two, "r"));
  EXPECT_EQ(acl_.LabelOf(base), "original");
  MustRestore(1);
  EXPECT_EQ(Entries(base), EntryOf(two, "r"));
  MustRestore(2);
  EXPECT_EQ(Entries(base), "");
  EXPECT_EQ(acl_.LabelOf(base), "original");
  EXPECT_FALSE(IsKnown(1));
  EXPECT_FALSE(IsKnown(2));
}

TEST_F(EntryTest, ThePlanTellsItAndTouchesNothing) {
  const std::string base = Base();
  auto plan = MakeEngine().MakePlan(MakeDomain(1), {{MakeDisk(base, true)}});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->items[0].action, ResourcePlan::Action::kEntry);
  EXPECT_EQ(plan->items[0].label + " ", EntryOf(*plan, "r"));
  EXPECT_EQ(plan->items[0].current, std::nullopt);
  EXPECT_TRUE(plan->has_changes());
  EXPECT_FALSE(plan->has_conflict());
  EXPECT_EQ(Entries(base), "");
  const Plan started = MustApply(1, {{MakeDisk(base, true)}});
  EXPECT_EQ(started.items[0].label, plan->items[0].label);
  plan = MakeEngine().MakePlan(MakeDomain(1), {{MakeDisk(base, true)}});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->items[0].current, started.items[0].label);
  EXPECT_FALSE(plan->has_changes());
}

TEST_F(EntryTest, AnObjectThatLetsTheDomainInGetsNone) {
  const std::string base = Base("base.open");
  const Plan plan = MustApply(1, {{MakeDisk(base, true)}});
  EXPECT_EQ(plan.items[0].action, ResourcePlan::Action::kNone);
  EXPECT_EQ(Entries(base), "");
  EXPECT_EQ(store_->registry().Describe(MakeDomain(1).uuid).value()->objects, 0);
}

TEST_F(EntryTest, OneThatCannotHaveTheEntryIsRefusedWithAllOthers) {
  const std::string good = Base(), bad = Base("b.noentry"), worse = Base("w.noentry");
  const Manifest manifest{{MakeDisk(good, true), MakeDisk(bad, true), MakeDisk(worse, true)}};
  const auto plan = MakeEngine().MakePlan(MakeDomain(1), manifest);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->items[0].conflict, "");
  EXPECT_THAT(plan->items[1].conflict, HasSubstr("b.noentry cannot have an entry"));
  EXPECT_TRUE(plan->has_conflict());
  const auto applied = MakeEngine().Apply(MakeDomain(1), manifest);
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().code, Errc::kRefused);
  EXPECT_THAT(applied.error().message, HasSubstr("b.noentry cannot have an entry"));
  EXPECT_THAT(applied.error().message, HasSubstr("w.noentry cannot have an entry"));
  EXPECT_EQ(Entries(good), "");
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(EntryTest, WhatTheDomainCannotReachIsRefusedBeforeAnythingIsTouched) {
  const std::string base = Base(), far = Base("far.noway");
  const Manifest manifest{{MakeDisk(base, true), MakeDisk(far)}};
  const auto plan = MakeEngine().MakePlan(MakeDomain(1), manifest);
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->models[0].conflict, HasSubstr("far.noway is out of reach"));
  EXPECT_EQ(plan->items[0].action, ResourcePlan::Action::kEntry) << "the rest is told all the same";
  acl_.sets = 0;
  const auto applied = MakeEngine().Apply(MakeDomain(1), manifest);
  ASSERT_FALSE(applied.ok());
  EXPECT_THAT(applied.error().message, HasSubstr("far.noway is out of reach"));
  EXPECT_EQ(acl_.sets, 0);
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(EntryTest, WhatTheSubjectHadBeforeComesBack) {
  const std::string base = Base();
  acl_.SetEntriesOf(base, "E:0:rwx E:77:r ");
  Model first{dir_ / "kernel", {.name = "fakeacl", .space = {{0, 1}}, .entries = true}};
  Engine engine = EngineTest::MakeEngine({first.plugin()});
  const auto plan = engine.Apply(MakeDomain(1), {{MakeDisk(base, true)}});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->items[0].current, "E:0:rwx");
  EXPECT_EQ(Entries(base), "E:0:r E:77:r ");
  EXPECT_TRUE(engine.Restore(MakeDomain(1).uuid).ok());
  EXPECT_EQ(Entries(base), "E:0:rwx E:77:r ");
}

TEST_F(EntryTest, AStartThatFailsTakesItsEntriesBack) {
  const std::string base = Base(), disk = Base("disk");
  const Plan one = MustApply(1, {{MakeDisk(base, true)}});
  acl_.sets = 0;
  acl_.fail_set_at = 2;
  const auto failed = MakeEngine().Apply(MakeDomain(2), {{MakeDisk(base, true), MakeDisk(disk)}});
  ASSERT_FALSE(failed.ok());
  acl_.fail_set_at = 0;
  EXPECT_EQ(Entries(base), EntryOf(one, "r"));
  EXPECT_EQ(acl_.LabelOf(disk), "original");
  EXPECT_FALSE(IsKnown(2));
}

TEST_F(EntryTest, RecoverTakesThoseOfADomainThatDied) {
  const std::string base = Base();
  const Plan one = MustApply(1, {{MakeDisk(base, true)}});
  MustApply(2, {{MakeDisk(base, true)}});
  Die(2);
  ASSERT_TRUE(MakeEngine().Recover().ok());
  EXPECT_EQ(Entries(base), EntryOf(one, "r"));
  EXPECT_FALSE(IsKnown(2));
  EXPECT_TRUE(IsKnown(1));
}

// What a process was killed in the middle of is put in order, whatever it had come to.
TEST_F(EntryTest, RecoverAfterAKillAtEachCall) {
  const std::string base = Base(), disk = Base("disk");
  const Plan one = MustApply(1, {{MakeDisk(base, true)}});
  int calls = 0;
  for (bool killed = true; killed; ++calls) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      acl_.calls = 0;
      acl_.kill_at = calls + 1;
      auto store = LabelStore::Open({.directory = dir_ / "state"});
      Engine engine(store->get(), {acl_.plugin()}, {}, dir_ / "proc");
      const bool ok = engine.Apply(MakeDomain(2), {{MakeDisk(base, true), MakeDisk(disk)}}).ok() &&
                      engine.Restore(MakeDomain(2).uuid).ok();
      ::_exit(ok ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    killed = WIFSIGNALED(status);
    ASSERT_TRUE(killed || status == 0);
    ASSERT_TRUE(MakeEngine().Recover().ok());
    EXPECT_EQ(Entries(base), EntryOf(one, "r")) << "killed at call " << calls + 1;
    EXPECT_EQ(acl_.LabelOf(disk), "original") << "killed at call " << calls + 1;
    EXPECT_FALSE(IsKnown(2));
  }
  EXPECT_GT(calls, 10);
}

// An image that a block job is to write to is the domain's own meanwhile.
TEST_F(EntryTest, ABackingImageThatBecomesWritableAndBack) {
  const std::string base = Base();
  const Domain domain = MakeDomain(1);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  Plan plan = MustApply(1, {{MakeDisk(base, true)}});
  ASSERT_TRUE(MakeEngine().AddHolder(domain, pid).ok());
  Domain running = domain;
  running.seclabels = plan.seclabels();
  ASSERT_TRUE(MakeEngine().Change(running, pid, {{MakeDisk(base)}}).ok());
  EXPECT_EQ(acl_.LabelOf(base), plan.models[0].seclabel.image_label);
  EXPECT_EQ(Entries(base), "");
  ASSERT_TRUE(MakeEngine().Change(running, pid, {{MakeDisk(base, true)}}).ok());
  EXPECT_EQ(acl_.LabelOf(base), "original");
  EXPECT_EQ(Entries(base), EntryOf(plan, "r"));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  MustRestore(1);
  EXPECT_EQ(Entries(base), "");
}

TEST_F(EntryTest, AnObjectThatAnotherDomainHasForItselfIsRefused) {
  const std::string disk = Base();
  MustApply(1, {{MakeDisk(disk)}});
  const auto refused = MakeEngine().Apply(MakeDomain(2), {{MakeDisk(disk, true)}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  MustRestore(1);
  MustApply(2, {{MakeDisk(disk, true)}});
  EXPECT_EQ(MakeEngine().Apply(MakeDomain(1), {{MakeDisk(disk)}}).error().code, Errc::kConflict);
}

// The domain that had it for itself is dead, and its owner still stands on the file.
TEST_F(EntryTest, WhatADeadDomainLeftIsStillGivenBack) {
  const std::string disk = Base();
  MustApply(1, {{MakeDisk(disk)}});
  Die(1);
  const Plan two = MustApply(2, {{MakeDisk(disk, true)}});
  ASSERT_TRUE(MakeEngine().Recover().ok());
  EXPECT_EQ(acl_.LabelOf(disk), "original");
  EXPECT_EQ(Entries(disk), EntryOf(two, "r"));
  MustRestore(2);
  EXPECT_EQ(Entries(disk), "");
}

TEST_F(EntryTest, ATreeThatIsOnlyReadGetsEntriesWhereTheyAreNeeded) {
  const std::string dir = dir_ / "share.open";
  ::mkdir(dir.c_str(), 0755);
  ::mkdir((dir + "/sub").c_str(), 0700);
  const std::string open = Touch(dir + "/a.open"), shut = Touch(dir + "/sub/b");
  Resource share;
  share.kind = ResourceKind::kShare;
  share.object = ObjectType::kDir;
  share.access = kAccessRead;
  share.subtree = true;
  share.path = dir;
  const Plan one = MustApply(1, {{share}});
  EXPECT_EQ(one.items[0].action, ResourcePlan::Action::kEntry);
  EXPECT_EQ(Entries(open), "");
  EXPECT_EQ(Entries(shut), EntryOf(one, "r"));
  EXPECT_EQ(Entries(dir + "/sub"), EntryOf(one, "r"));
  ::unlink(shut.c_str());  // an entry goes with its object, and nobody misses it
  std::vector<std::string> notes;
  MustRestore(1, &notes);
  EXPECT_THAT(notes, testing::IsEmpty());
  EXPECT_EQ(Entries(dir + "/sub"), "");
}

TEST_F(EntryTest, RelabelNoLeavesTheObjectAlone) {
  const std::string base = Base();
  Domain domain = MakeDomain(1);
  domain.seclabels = {MakeSecLabel(SecLabel::Type::kDynamic, "fakeacl")};
  domain.seclabels[0].relabel = false;
  ASSERT_TRUE(MakeEngine().Apply(domain, {{MakeDisk(base, true)}}).ok());
  EXPECT_EQ(Entries(base), "");
}

// Each reads all entries, adds its own and writes all: without the lock some would be lost.
TEST_F(EntryTest, ManyStartsAtOnceLoseNoEntry) {
  const std::string base = Base();
  constexpr int kDomains = 12;
  const auto each = [&](const std::function<bool(Engine *, int)> &work) {
    std::vector<pid_t> children;
    for (int domain = 1; domain <= kDomains; ++domain) {
      const pid_t pid = ::fork();
      if (pid == 0) {
        auto store = LabelStore::Open({.directory = dir_ / "state"});
        Engine engine(store->get(), {acl_.plugin()}, {}, dir_ / "proc");
        ::_exit(work(&engine, domain) ? 0 : 1);
      }
      children.push_back(pid);
    }
    for (const pid_t pid : children) {
      int status = 0;
      ::waitpid(pid, &status, 0);
      EXPECT_EQ(status, 0);
    }
  };
  each([&](Engine *engine, int domain) {
    return engine->Apply(MakeDomain(domain), {{MakeDisk(base, true)}}).ok() &&
           engine->Pin(MakeDomain(domain).uuid).ok();
  });
  const std::string all = Entries(base);
  EXPECT_EQ(std::count(all.begin(), all.end(), ' '), kDomains) << all;
  each([&](Engine *engine, int domain) { return engine->Restore(MakeDomain(domain).uuid).ok(); });
  EXPECT_EQ(Entries(base), "");
}

TEST_F(EntryTest, ItGoesWithTheDomainToAnotherHost) {
  const std::string base = Base();
  const Plan plan = MustApply(1, {{MakeDisk(base, true)}});
  const Domain domain = MakeDomain(1);
  ASSERT_TRUE(store_->registry().Pin(domain.uuid).ok());
  const std::vector<Plugin *> plugins{acl_.plugin()};
  HandoverDesk here(store_.get(), plugins);
  const auto handover = here.BeginOut(domain.uuid);
  ASSERT_TRUE(handover.ok());
  ASSERT_EQ(handover->objects.size(), 1U);
  EXPECT_TRUE(handover->objects[0].is_entry);

  auto other = LabelStore::Open({.directory = dir_ / "other"});
  ASSERT_TRUE(other.ok());
  HandoverDesk there(other->get(), plugins);
  std::vector<std::string> notes;
  ASSERT_TRUE(there.PrepareIn(*handover, &notes).ok());
  EXPECT_THAT(notes, testing::IsEmpty());
  Engine engine(other->get(), plugins, {}, dir_ / "proc");
  ASSERT_TRUE(engine.Apply(domain, {{MakeDisk(base, true)}}).ok());
  ASSERT_TRUE(engine.Pin(domain.uuid).ok());
  ASSERT_TRUE(here.Commit(domain.uuid).ok());
  MustRestore(1);
  EXPECT_EQ(Entries(base), EntryOf(plan, "r"));
  ASSERT_TRUE(there.Commit(domain.uuid).ok());
  ASSERT_TRUE(engine.Restore(domain.uuid).ok());
  EXPECT_EQ(Entries(base), "");
}

}  // namespace
}  // namespace svirt::fake
