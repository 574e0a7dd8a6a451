// SPDX-License-Identifier: LGPL-2.1-or-later
// What of a running domain's objects is not as it was given to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CompareTest : public EngineTest {
 protected:
  CompareTest() {
    ::mkdir(root_.c_str(), 0700);
    inside_ = Touch(root_ + "/a");
    mac_.SetLabelOf(root_, "original");
    mac_.SetLabelOf(inside_, "original-a");
  }
  // "label PATH", "entry PATH" and so on.
  std::vector<std::string> Compare(Model *model, const Plan &plan, const Manifest &manifest,
                                   const std::vector<std::string> &unlabelled = {}) {
    Domain running = MakeDomain(1);
    running.seclabels = plan.seclabels();
    const auto found = MakeEngine({model->plugin()}).Compare(running, manifest, unlabelled, {});
    EXPECT_TRUE(found.ok()) << found.error().message;
    std::vector<std::string> said;
    for (const Mismatch &mismatch : found.ok() ? *found : std::vector<Mismatch>()) {
      said.push_back(std::string(MismatchName(mismatch.kind)) + " " + mismatch.where);
    }
    return said;
  }
  Plan Apply(Model *model, const Manifest &manifest) {
    auto plan = MakeEngine({model->plugin()}, policy_).Apply(MakeDomain(1), manifest);
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    return plan.ok() ? std::move(*plan) : Plan();
  }
  Manifest Tree() {
    Resource tree = MakeDisk(root_);
    tree.kind = ResourceKind::kShare;
    tree.object = ObjectType::kDir;
    tree.subtree = true;
    return {{tree}};
  }

  ConfinementPolicy policy_;
  std::string root_ = dir_ / "share", inside_;
  Model acl_{dir_ / "kernel", {.name = "fakeacl", .entries = true}};
};

TEST_F(CompareTest, EntriesAreRead) {
  const std::string base = Touch(dir_ / "base");
  acl_.SetLabelOf(base, "original");
  const Manifest manifest{{MakeDisk(base, true)}};
  const Plan plan = Apply(&acl_, manifest);
  const std::string entries = acl_.EntriesOf(base);
  EXPECT_THAT(Compare(&acl_, plan, manifest), IsEmpty());
  acl_.SetEntriesOf(base, "");
  EXPECT_THAT(Compare(&acl_, plan, manifest), ElementsAre("entry " + base));
  acl_.SetEntriesOf(base, "E:27:r ");
  EXPECT_THAT(Compare(&acl_, plan, manifest), ElementsAre("entry " + base));
  acl_.SetEntriesOf(base, entries + "E:27:r ");
  EXPECT_THAT(Compare(&acl_, plan, manifest), IsEmpty()) << "those of others are theirs";
}

// What comes and goes below a directory is the business of whoever uses it.
TEST_F(CompareTest, BelowDirectoriesWhatWasLabelledCounts) {
  const Plan plan = Apply(&mac_, Tree());
  EXPECT_THAT(Compare(&mac_, plan, Tree()), IsEmpty());
  mac_.SetLabelOf(inside_, "stranger");
  EXPECT_THAT(Compare(&mac_, plan, Tree()), ElementsAre("object label " + inside_));
  ::unlink(inside_.c_str());
  EXPECT_THAT(Compare(&mac_, plan, Tree()), IsEmpty());
  Touch(root_ + "/new");
  EXPECT_THAT(Compare(&mac_, plan, Tree()), IsEmpty());
  mac_.SetLabelOf(root_, "stranger");
  EXPECT_THAT(Compare(&mac_, plan, Tree()), ElementsAre("object label " + root_));
}

TEST_F(CompareTest, ADiskThatLiesInAShareIsADisk) {
  Manifest both = Tree();
  both.resources.push_back(MakeDisk(inside_));
  const Plan plan = Apply(&mac_, both);
  EXPECT_THAT(Compare(&mac_, plan, both), IsEmpty());
  ::rename(inside_.c_str(), (dir_ / "aside").c_str());
  EXPECT_THAT(Compare(&mac_, plan, both), ElementsAre("gone " + inside_));
  Touch(inside_);
  EXPECT_THAT(Compare(&mac_, plan, both), ElementsAre("replaced " + inside_));
}

TEST_F(CompareTest, WhatWasAcceptedWithoutItsLabelIsAsItWasPlanned) {
  const std::string image = Image(std::string("disk") + Model::kForgetful);
  policy_.allow_unlabelled = {image};
  const Manifest manifest{{MakeDisk(image)}};
  const Plan plan = Apply(&mac_, manifest);
  ASSERT_THAT(plan.unlabelled(), ElementsAre(image));
  EXPECT_THAT(Compare(&mac_, plan, manifest, plan.unlabelled()), IsEmpty());
  EXPECT_THAT(Compare(&mac_, plan, manifest), ElementsAre("object label " + image));
}

TEST_F(CompareTest, WhatAModelGrantsIsLookedForAsWell) {
  const std::string image = Touch(dir_ / "disk");
  const Manifest manifest{{MakeDisk(image)}};
  const Plan plan = Apply(&profile_, manifest);
  EXPECT_THAT(Compare(&profile_, plan, manifest), IsEmpty());
  ::unlink(image.c_str());
  EXPECT_THAT(Compare(&profile_, plan, manifest), ElementsAre("gone " + image));
}

}  // namespace
}  // namespace svirt::fake
