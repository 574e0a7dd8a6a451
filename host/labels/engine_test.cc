// SPDX-License-Identifier: LGPL-2.1-or-later
// The engine on models made for tests: labels, failures, and the way back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(EngineTest, LabelsAndRestores) {
  const std::string disk = Image("disk"), base = Image("base"), shared = Image("shared");
  const Manifest manifest{{MakeDisk(disk), MakeDisk(base, true), MakeDisk(shared, false, true)}};
  const Plan plan = MustApply(1, manifest);
  ASSERT_EQ(plan.models.size(), 1u);
  const SecLabel &seclabel = plan.models[0].seclabel;
  EXPECT_EQ(seclabel.type, SecLabel::Type::kDynamic);
  EXPECT_EQ(plan.models[0].doi, "tests.example");
  EXPECT_TRUE(plan.models[0].enforcing);
  EXPECT_EQ(Label(disk), seclabel.image_label);
  EXPECT_EQ(Label(base), "content");
  EXPECT_EQ(Label(shared), "I:shared");
  EXPECT_EQ(mac_.ProfileOf(MakeDomain(1).uuid), seclabel.label);
  ASSERT_EQ(plan.items.size(), 3u);
  EXPECT_EQ(plan.items[0].current, "original-disk");
  EXPECT_TRUE(plan.items[0].exclusive);
  EXPECT_TRUE(plan.has_changes());
  MustRestore(1);
  EXPECT_EQ(Label(disk), "original-disk");
  EXPECT_EQ(Label(base), "original-base");
  EXPECT_EQ(Label(shared), "original-shared");
  EXPECT_EQ(mac_.ProfileOf(MakeDomain(1).uuid), "");
  EXPECT_FALSE(IsKnown(1));
  MustRestore(1);  // idempotent
}

TEST_F(EngineTest, AnObjectWithoutALabelGetsNoneBack) {
  const std::string disk = Touch(dir_ / "disk");
  MustApply(1, {{MakeDisk(disk)}});
  EXPECT_NE(Label(disk), "");
  MustRestore(1);
  EXPECT_EQ(Label(disk), "");
}

TEST_F(EngineTest, AnObjectThatBearsTheLabelAlreadyIsLeftAlone) {
  const std::string base = Image("base");
  mac_.SetLabelOf(base, "content");
  const Plan plan = MustApply(1, {{MakeDisk(base, true)}});
  EXPECT_FALSE(plan.has_changes());
  EXPECT_EQ(mac_.sets, 0);
  MustRestore(1);
  EXPECT_EQ(Label(base), "content");
}

TEST_F(EngineTest, KeptContentStaysAfterAStopButNotAfterAFailedStart) {
  mac_.options.keep_content = true;
  const std::string base = Image("base"), disk = Image("disk");
  const Manifest manifest{{MakeDisk(base, true), MakeDisk(disk)}};
  mac_.fail_set_at = 2;
  EXPECT_FALSE(MakeEngine().Apply(MakeDomain(1), manifest).ok());
  EXPECT_EQ(Label(base), "original-base");
  MustApply(1, manifest);
  MustRestore(1);
  EXPECT_EQ(Label(base), "content");
  EXPECT_EQ(Label(disk), "original-disk");
}

TEST_F(EngineTest, AFailureAtAnyItemTakesBackThoseBefore) {
  Manifest manifest;
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i) {
    names.push_back("disk" + std::to_string(i));
    manifest.resources.push_back(MakeDisk(Image(names.back())));
  }
  for (int k = 1; k <= 5; ++k) {
    mac_.sets = 0;
    mac_.fail_set_at = k;
    const auto failed = MakeEngine().Apply(MakeDomain(1), manifest);
    ASSERT_FALSE(failed.ok());
    EXPECT_THAT(failed.error().message, HasSubstr("set to fail"));
    EXPECT_EQ(mac_.sets, k + k - 1);  // k-1 set, one failed, k-1 taken back
    for (const std::string &name : names) {
      EXPECT_EQ(Label(dir_ / name), "original-" + name) << "item " << k;
    }
    EXPECT_FALSE(IsKnown(1));
  }
}

TEST_F(EngineTest, AFailingSecondModelTakesBackTheFirst) {
  const std::string disk = Image("disk");
  Resource log = MakeDisk(dir_ / "log");
  log.optional = true;
  log.access |= kAccessCreate;
  profile_.fail_set_label = true;
  Engine engine = MakeEngine({mac_.plugin(), profile_.plugin()});
  const auto failed = engine.Apply(MakeDomain(1), {{MakeDisk(disk), log}});
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, HasSubstr("fakeprofile: the profile was not loaded"));
  EXPECT_EQ(Label(disk), "original-disk");
  EXPECT_EQ(mac_.ProfileOf(MakeDomain(1).uuid), "");
  EXPECT_FALSE(IsKnown(1));
  EXPECT_NE(::access(log.path.c_str(), F_OK), 0);
}

TEST_F(EngineTest, AReplacedObjectIsLeftAlone) {
  const std::string disk = Image("disk");
  MustApply(1, {{MakeDisk(disk)}});
  ASSERT_EQ(::rename(disk.c_str(), (dir_ / "moved").c_str()), 0);
  Touch(disk);
  mac_.SetLabelOf(disk, "of the new file");
  std::vector<std::string> notes;
  MustRestore(1, &notes);
  EXPECT_EQ(Label(disk), "of the new file");
  EXPECT_THAT(notes, ElementsAre(HasSubstr("is another object than the one that was labelled")));
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(EngineTest, AnObjectSwappedForALinkIsLeftAlone) {
  const std::string disk = Image("disk"), victim = Image("victim");
  MustApply(1, {{MakeDisk(disk)}});
  mac_.SetLabelOf(victim, Label(disk));  // even if it bears the label
  ASSERT_EQ(::unlink(disk.c_str()), 0);
  ASSERT_EQ(::symlink(victim.c_str(), disk.c_str()), 0);
  mac_.sets = 0;
  std::vector<std::string> notes;
  MustRestore(1, &notes);
  EXPECT_EQ(mac_.sets, 0);
  EXPECT_EQ(notes.size(), 1u);
}

TEST_F(EngineTest, WhatSomebodyElseLabelledMeanwhileIsLeftAlone) {
  const std::string disk = Image("disk");
  MustApply(1, {{MakeDisk(disk)}});
  mac_.SetLabelOf(disk, "of the administrator");
  std::vector<std::string> notes;
  MustRestore(1, &notes);
  EXPECT_EQ(Label(disk), "of the administrator");
  EXPECT_THAT(notes, ElementsAre(HasSubstr("labelled by somebody else")));
}

TEST_F(EngineTest, ARestoreThatFailsStaysInTheJournal) {
  const std::string disk = Image("disk"), other = Image("other");
  MustApply(1, {{MakeDisk(disk), MakeDisk(other)}});
  mac_.sets = 0;
  mac_.fail_set_at = 1;
  const auto failed = MakeEngine().Restore(MakeDomain(1).uuid);
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, HasSubstr("was not restored"));
  EXPECT_EQ(Label(disk), "original-disk");  // the rest is done
  EXPECT_TRUE(IsKnown(1));
  EXPECT_EQ((*store_->registry().Describe(MakeDomain(1).uuid))->labels.size(),
            1u);  // not given away
  MustRestore(1);
  EXPECT_EQ(Label(other), "original-other");
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(EngineTest, AModelThatIsNotActiveKeepsItsJournal) {
  const std::string disk = Image("disk");
  MustApply(1, {{MakeDisk(disk)}});
  const auto refused = MakeEngine({profile_.plugin()}).Restore(MakeDomain(1).uuid);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("model fakemac, whose plugin is not active"));
  MustRestore(1);
  EXPECT_EQ(Label(disk), "original-disk");
}

TEST_F(EngineTest, TheNextStartAfterACrashKeepsTheOriginals) {
  const std::string disk = Image("disk"), gone = Image("gone");
  MustApply(1, {{MakeDisk(disk), MakeDisk(gone)}});
  Die(1);
  MustApply(1, {{MakeDisk(disk)}});
  EXPECT_EQ(Label(gone), "original-gone");  // not in the manifest any more
  MustRestore(1);
  EXPECT_EQ(Label(disk), "original-disk");
}

TEST_F(EngineTest, WhatCannotBeUndoneDoesNotStopTheNextStart) {
  const std::string disk = Image("disk"), gone = Image("gone");
  MustApply(1, {{MakeDisk(gone)}});
  Die(1);
  Engine engine = MakeEngine({profile_.plugin()});  // the model of the crashed start is not active
  const auto plan = engine.Apply(MakeDomain(1), {{MakeDisk(disk)}});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_THAT(plan->notes, ElementsAre(HasSubstr("model fakemac, whose plugin is not active")));
  Die(1);
  ASSERT_TRUE(MakeEngine({mac_.plugin(), profile_.plugin()}).Recover().ok());
  EXPECT_EQ(Label(gone), "original-gone");
}

TEST_F(EngineTest, AStartAfterTheRangeHasChangedUndoesFirst) {
  const std::string disk = Image("disk");
  mac_.options.space = {{3, 1}};
  MustApply(1, {{MakeDisk(disk)}});
  EXPECT_EQ(Label(disk), "I:3");
  Die(1);
  mac_.options.space = {{9, 1}};
  MustApply(1, {{MakeDisk(disk)}});
  EXPECT_EQ(Label(disk), "I:9");
  MustRestore(1);
  EXPECT_EQ(Label(disk), "original-disk");
}

TEST_F(EngineTest, AnotherManifestForALivingDomainIsAllOrNothing) {
  const std::string a = Image("a"), b = Image("b"), c = Image("c");
  MustApply(1, {{MakeDisk(a), MakeDisk(b, true)}});
  mac_.sets = 0;
  mac_.fail_set_at = 2;
  // b becomes writable, c is new and fails.
  const auto failed = MakeEngine().Apply(MakeDomain(1), {{MakeDisk(a), MakeDisk(b), MakeDisk(c)}});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(Label(b), "content");
  EXPECT_EQ(Label(c), "original-c");
  EXPECT_EQ(Label(a).substr(0, 2), "I:");
  MustApply(1, {{MakeDisk(a), MakeDisk(b), MakeDisk(c)}});
  EXPECT_EQ(Label(b), Label(a));
  MustApply(1, {{MakeDisk(c)}});
  EXPECT_EQ(Label(a), "original-a");
  EXPECT_EQ(Label(b), "original-b");
  MustRestore(1);
  EXPECT_EQ(Label(c), "original-c");
}

}  // namespace
}  // namespace svirt::fake
