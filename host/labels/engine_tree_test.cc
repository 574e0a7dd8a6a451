// SPDX-License-Identifier: LGPL-2.1-or-later
// Directories with all that is below them: many objects at once, and trees that stay labelled from
// one start of a domain to the next (keep_trees).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

using testing::HasSubstr;

const ConfinementPolicy kKeepTrees = {.keep_trees = true};

class TreeTest : public EngineTest {
 protected:
  TreeTest() {
    ::mkdir(root_.c_str(), 0700);
    ::mkdir((root_ + "/sub").c_str(), 0700);
    for (const std::string &path : {root_ + "/a", root_ + "/sub/b"}) {
      entries_.push_back(Touch(path));
    }
    entries_.push_back(root_ + "/sub");
    entries_.push_back(root_);
    for (const std::string &path : entries_) {
      mac_.SetLabelOf(path, "original" + path);
    }
    disk_ = Image("disk");
  }

  Engine Keeping() { return MakeEngine({mac_.plugin()}, kKeepTrees); }

  Resource Tree(ResourceKind kind = ResourceKind::kShare) {
    Resource tree = MakeDisk(root_);
    tree.kind = kind;
    tree.object = ObjectType::kDir;
    tree.subtree = true;
    return tree;
  }

  // Its items, of which the first is the tree's.
  std::vector<PlanItem> Start(Engine engine, const Manifest &manifest, int domain = 1) {
    const auto plan = engine.Apply(MakeDomain(domain), manifest);
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    return plan.ok() ? plan->items : std::vector<PlanItem>(1);
  }
  void Stop(Engine engine, int domain = 1) {
    const auto status = engine.Restore(MakeDomain(domain).uuid);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
  void Forget(Engine engine, int domain = 1) {
    const auto status = engine.Forget(MakeDomain(domain).uuid);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }

  // The one that the domain holds; "" if it is not known.
  std::string LabelOfDomain(int domain = 1) {
    const auto state = store_->registry().Describe(MakeDomain(domain).uuid).value();
    return state ? "I:" + std::to_string(*state->labels.at(0).index) : "";
  }
  void ExpectAllLabelled() {
    const std::string label = LabelOfDomain();
    for (const std::string &path : entries_) {
      EXPECT_EQ(Label(path), label) << path;
    }
  }
  void ExpectOriginals() {
    for (const std::string &path : entries_) {
      EXPECT_EQ(Label(path), "original" + path);
    }
    EXPECT_EQ(Label(disk_), "original-disk");
  }

  std::string root_ = dir_ / "tree", disk_;
  std::vector<std::string> entries_;
};

TEST_F(TreeTest, StaysLabelledAndIsNotLookedAtAgain) {
  const Manifest manifest{{Tree(), MakeDisk(disk_)}};
  Start(Keeping(), manifest);
  const std::string label = LabelOfDomain();
  Stop(Keeping());
  EXPECT_EQ(LabelOfDomain(), label);
  ExpectAllLabelled();
  EXPECT_EQ(Label(disk_), "original-disk");
  const std::string later = Touch(root_ + "/later");
  mac_.calls = 0;
  const std::vector<PlanItem> items = Start(Keeping(), manifest);
  EXPECT_THAT(items.front().note, HasSubstr("earlier start"));
  EXPECT_EQ(items.front().label, label);
  EXPECT_EQ(Label(disk_), label);
  EXPECT_EQ(Label(later), "");  // of what others have put there nobody knows
  const int calls = mac_.calls;
  Stop(Keeping());
  ExpectAllLabelled();
  for (int i = 0; i < 100; ++i) {
    Touch(root_ + "/" + std::to_string(i));
  }
  mac_.calls = 0;
  Start(Keeping(), manifest);
  EXPECT_EQ(mac_.calls, calls);
  Stop(Keeping());
  Forget(Keeping());
  ExpectOriginals();
  EXPECT_FALSE(IsKnown(1));
}

// Its number is another domain's one day.
TEST_F(TreeTest, WhatTheDomainMadeInItDoesNotKeepItsLabel) {
  for (const bool keep : {false, true}) {
    const auto engine = [&] { return keep ? Keeping() : MakeEngine(); };
    Start(engine(), {{Tree()}});
    const std::string made = Touch(root_ + "/sub/made"), foreign = Touch(root_ + "/foreign");
    mac_.SetLabelOf(made, LabelOfDomain());
    mac_.SetLabelOf(foreign, "foreign");
    Stop(engine());
    Forget(engine());
    EXPECT_EQ(Label(made), "original" + root_);
    EXPECT_EQ(Label(foreign), "foreign");
    ExpectOriginals();
    EXPECT_FALSE(IsKnown(1));
    ::unlink(made.c_str());
    ::unlink(foreign.c_str());
  }
}

// When the tree is walked again it has the domain's label already, which is not its old one.
TEST_F(TreeTest, WhatTheDomainMadeInItIsNotTakenForWhatWasThere) {
  const Manifest manifest{{Tree(), MakeDisk(disk_)}};
  for (const bool crashes : {false, true}) {
    Start(MakeEngine(), manifest);
    const std::string made = Touch(root_ + "/sub/made");
    mac_.SetLabelOf(made, LabelOfDomain());
    if (crashes) {
      Die(1);
    }
    Start(MakeEngine(), manifest);
    Stop(MakeEngine());
    EXPECT_FALSE(IsKnown(1));
    EXPECT_EQ(Label(made), "original" + root_) << crashes;
    ExpectOriginals();
  }
}

// With a static one it may be how the owner has prepared it.
TEST_F(TreeTest, WhatHasAStaticLabelBeforehandKeepsIt) {
  Domain domain = MakeDomain(1);
  domain.seclabels = {MakeSecLabel(SecLabel::Type::kStatic, "fakemac", "S:7-8")};
  mac_.SetLabelOf(entries_[0], "I:7-8");
  ASSERT_TRUE(MakeEngine().Apply(domain, {{Tree()}}).ok());
  EXPECT_EQ(Label(root_), "I:7-8");
  ASSERT_TRUE(MakeEngine().Apply(domain, {{Tree()}}).ok());
  Stop(MakeEngine());
  EXPECT_EQ(Label(entries_[0]), "I:7-8");
  EXPECT_EQ(Label(root_), "original" + root_);
}

// Sockets of its last run, say: they end with it.
TEST_F(TreeTest, TheDirectoryForTheRunIsNotSwept) {
  const Manifest manifest{{Tree(ResourceKind::kRundir)}};
  for (const bool is_walked_again : {false, true}) {
    Start(MakeEngine(), manifest);
    const std::string made = Touch(root_ + "/made"), label = LabelOfDomain();
    mac_.SetLabelOf(made, label);
    if (is_walked_again) {
      Start(MakeEngine(), manifest);
    }
    Stop(MakeEngine());
    EXPECT_EQ(Label(made), label) << is_walked_again;
    ::unlink(made.c_str());
    ExpectOriginals();
  }
}

// The policy may have no other label for one, and it is of no use when its domain has ended.
TEST_F(TreeTest, ASocketThatTheDomainMadeIsLeftAsItIs) {
  for (const bool is_walked_again : {false, true}) {
    Start(MakeEngine(), {{Tree()}});
    const std::string made = root_ + "/socket", label = LabelOfDomain();
    ::mknod(made.c_str(), S_IFSOCK | 0600, 0);
    mac_.SetLabelOf(made, label);
    if (is_walked_again) {
      Start(MakeEngine(), {{Tree()}});
    }
    Stop(MakeEngine());
    EXPECT_EQ(Label(made), label) << is_walked_again;
    ::unlink(made.c_str());
    ExpectOriginals();
  }
}

TEST_F(TreeTest, WhatCannotBeSweptKeepsTheNumberTaken) {
  Start(MakeEngine(), {{Tree()}});
  const std::string made = Touch(root_ + "/sub/made");
  mac_.SetLabelOf(made, LabelOfDomain());
  mac_.sets = 0;
  mac_.fail_set_at = 5;  // after what is known to be there
  EXPECT_FALSE(MakeEngine().Restore(MakeDomain(1).uuid).ok());
  EXPECT_TRUE(IsKnown(1));
  mac_.fail_set_at = 0;
  Stop(MakeEngine());
  EXPECT_EQ(Label(made), "original" + root_);
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(TreeTest, WhatCouldNotBeRestoredKeepsItsOldLabel) {
  for (int step = 1; step <= 4; ++step) {
    Start(MakeEngine(), {{Tree()}});
    mac_.sets = 0;
    mac_.fail_set_at = step;
    EXPECT_FALSE(MakeEngine().Restore(MakeDomain(1).uuid).ok());
    mac_.fail_set_at = 0;
    Stop(MakeEngine());
    ExpectOriginals();
  }
}

TEST_F(TreeTest, ADiskInADirectoryThatGoesStays) {
  const std::string disk = entries_.front();
  Start(MakeEngine(), {{Tree(), MakeDisk(disk)}});
  Start(MakeEngine(), {{MakeDisk(disk)}});
  EXPECT_EQ(Label(disk), LabelOfDomain());
  EXPECT_EQ(Label(root_), "original" + root_);
  Stop(MakeEngine());
  ExpectOriginals();
}

TEST_F(TreeTest, WhatIsMadeInADirectoryThatStaysIsLeftAlone) {
  Resource inner = Tree();
  inner.path = root_ + "/sub";
  Start(Keeping(), {{Tree(), inner}});
  const std::string made = Touch(root_ + "/sub/made"), outside = Touch(root_ + "/outside");
  mac_.SetLabelOf(made, LabelOfDomain());
  mac_.SetLabelOf(outside, LabelOfDomain());
  Start(Keeping(), {{inner}});
  EXPECT_EQ(Label(made), LabelOfDomain());
  EXPECT_EQ(Label(outside), "original" + root_);
  Stop(Keeping());
  Forget(Keeping());
  EXPECT_EQ(Label(made), "original" + root_ + "/sub");
  ExpectOriginals();
}

// Its label is on what others use, too, and no number is in it.
TEST_F(TreeTest, InASharedTreeNothingIsSwept) {
  Resource shared = Tree();
  shared.shared = true;
  Start(MakeEngine(), {{shared}});
  const std::string made = Touch(root_ + "/made");
  mac_.SetLabelOf(made, "I:shared");
  Stop(MakeEngine());
  EXPECT_EQ(Label(made), "I:shared");
  ExpectOriginals();
}

TEST_F(TreeTest, ItsLabelIsNobodyElses) {
  Start(Keeping(), {{Tree()}});
  Stop(Keeping());
  const auto state = store_->registry().Describe(MakeDomain(1).uuid).value();
  ASSERT_TRUE(state);
  EXPECT_FALSE(state->pinned);
  EXPECT_TRUE(state->processes.empty());
  EXPECT_EQ(state->objects, 1);
  EXPECT_NE(Start(MakeEngine(), {{MakeDisk(disk_)}}, 2).front().label, LabelOfDomain());
}

TEST_F(TreeTest, WhoPinnedTheDomainDoesNoMoreAfterItsEnd) {
  Start(Keeping(), {{Tree()}});
  ASSERT_TRUE(Keeping().Pin(MakeDomain(1).uuid).ok());
  Stop(Keeping());
  EXPECT_FALSE(store_->registry().Describe(MakeDomain(1).uuid).value()->pinned);
  Forget(Keeping());
  ExpectOriginals();
}

TEST_F(TreeTest, OfADomainThatHasMovedNothingStaysKnown) {
  Start(Keeping(), {{Tree()}});
  const std::string label = LabelOfDomain();
  ASSERT_TRUE(store_->journal().SetHandover(MakeDomain(1).uuid, HandoverState::kGone).ok());
  Stop(Keeping());
  EXPECT_FALSE(IsKnown(1));
  EXPECT_EQ(Label(root_), label);  // the other host has the old one
}

TEST_F(TreeTest, RecoveryLeavesItAlone) {
  Start(Keeping(), {{Tree()}});
  Die(1);
  ASSERT_TRUE(Keeping().Recover().ok());
  ExpectAllLabelled();
  ASSERT_TRUE(Keeping().Recover().ok());
  ExpectAllLabelled();
  Forget(Keeping());
  ExpectOriginals();
}

TEST_F(TreeTest, OfALivingDomainNothingIsForgotten) {
  Start(Keeping(), {{Tree()}});
  ASSERT_TRUE(Keeping().Pin(MakeDomain(1).uuid).ok());
  Forget(Keeping());
  ExpectAllLabelled();
}

TEST_F(TreeTest, IsRestoredWhereItIsNotWanted) {
  Start(MakeEngine(), {{Tree()}});
  Stop(MakeEngine());
  ExpectOriginals();
  Start(Keeping(), {{Tree(ResourceKind::kRundir)}});
  Stop(Keeping());
  ExpectOriginals();
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(TreeTest, IsRestoredWhenItIsWantedNoMore) {
  Start(Keeping(), {{Tree()}});
  Stop(Keeping());
  Start(MakeEngine(), {{Tree()}});  // the administrator has changed the configuration
  Stop(MakeEngine());
  ExpectOriginals();
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(TreeTest, IsRestoredWhenTheDomainHasItNoMore) {
  Start(Keeping(), {{Tree()}});
  Stop(Keeping());
  Start(Keeping(), {{MakeDisk(disk_)}});
  for (const std::string &path : entries_) {
    EXPECT_EQ(Label(path), "original" + path);
  }
  EXPECT_EQ(Label(disk_), LabelOfDomain());
  Stop(Keeping());
  ExpectOriginals();
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(TreeTest, WhatAnotherDomainTookFromItIsSeen) {
  Start(Keeping(), {{Tree()}});
  Stop(Keeping());
  const std::string taken = entries_.front();
  Start(MakeEngine(), {{MakeDisk(taken)}}, 2);
  EXPECT_EQ(Label(taken), LabelOfDomain(2));
  const auto refused = Keeping().Apply(MakeDomain(1), {{Tree()}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr(taken));
  Stop(MakeEngine(), 2);
  EXPECT_EQ(Label(taken), "original" + taken);
  Start(Keeping(), {{Tree()}});
  ExpectAllLabelled();
  Stop(Keeping());
  Forget(Keeping());
  ExpectOriginals();
}

TEST_F(TreeTest, AnotherDirectoryInItsPlaceIsLookedAt) {
  Start(Keeping(), {{Tree()}});
  Stop(Keeping());
  ASSERT_EQ(::rename(root_.c_str(), (root_ + ".old").c_str()), 0);
  ::mkdir(root_.c_str(), 0700);
  const std::string fresh = Touch(root_ + "/fresh");
  Start(Keeping(), {{Tree()}});
  EXPECT_EQ(Label(fresh), LabelOfDomain());
  EXPECT_EQ(Label(root_), LabelOfDomain());
}

TEST_F(TreeTest, AnotherLabelOfTheDirectoryMeansThatItIsLookedAt) {
  Start(Keeping(), {{Tree()}});
  Stop(Keeping());
  for (const std::string &path : entries_) {
    mac_.SetLabelOf(path, "admin");
  }
  Start(Keeping(), {{Tree()}});
  ExpectAllLabelled();
}

TEST_F(TreeTest, HalfForgottenItIsLookedAtAgain) {
  Start(Keeping(), {{Tree()}});
  Stop(Keeping());
  mac_.sets = 0;
  mac_.fail_set_at = 4;  // that of the directory itself
  EXPECT_FALSE(Keeping().Forget(MakeDomain(1).uuid).ok());
  mac_.fail_set_at = 0;
  Start(Keeping(), {{Tree()}});
  ExpectAllLabelled();
  Stop(Keeping());
  Forget(Keeping());
  ExpectOriginals();
}

// At whatever step the first start dies: afterwards either nothing is labelled, or all.
TEST_F(TreeTest, IsWholeOrNotLabelled) {
  const Manifest manifest{{Tree(), MakeDisk(disk_)}};
  bool finished = false;
  int whole = 0, undone = 0;
  for (int step = 1; !finished; ++step) {
    ASSERT_LT(step, 200);
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto store = LabelStore::Open({.directory = dir_ / "state"});
      Engine engine(store->get(), {mac_.plugin()}, kKeepTrees, dir_ / "proc");
      mac_.calls = 0;
      mac_.kill_at = step;
      const bool started = engine.Apply(MakeDomain(1), manifest).ok();
      ::_exit(started && engine.Restore(MakeDomain(1).uuid).ok() ? 0 : 1);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    finished = WIFEXITED(status);
    EXPECT_TRUE(!finished || WEXITSTATUS(status) == 0);
    ASSERT_TRUE(Keeping().Recover().ok()) << step;
    EXPECT_EQ(Label(disk_), "original-disk") << step;
    if (IsKnown(1)) {
      ++whole;
      ExpectAllLabelled();
      Forget(Keeping());
    } else {
      ++undone;
    }
    ExpectOriginals();
  }
  EXPECT_GT(whole, 1);
  EXPECT_GT(undone, 10);
}

// More than are entered at once, and in several threads. The files are made once: each test leaves
// them as they were.
class BigTreeTest : public TreeTest {
 protected:
  static constexpr int kFiles = 12000;
  BigTreeTest() {
    static const TempDir files;
    root_ = files / "tree";
    if (::mkdir(root_.c_str(), 0700) == 0) {
      for (int i = 0; i < kFiles; ++i) {
        const std::string directory = Directory(i);
        ::mkdir(directory.c_str(), 0700);
        Touch(File(i));
      }
      xattr_.SetLabelOf(Last(), "original");
    }
    xattr_.SetLabelOf(disk_, "original");
  }

  std::string Directory(int file) { return root_ + "/" + std::to_string(file % 10); }
  std::string File(int file) { return Directory(file) + "/" + std::to_string(file); }
  std::string Last() { return File(kFiles - 1); }

  int CountLabelled(const std::string &label) {
    int count = 0;
    for (int i = 0; i < kFiles; ++i) {
      count += xattr_.LabelOf(File(i)) == label ? 1 : 0;
    }
    return count;
  }

  Engine Xattr(ConfinementPolicy policy = {}) {
    return MakeEngine({xattr_.plugin()}, std::move(policy));
  }

  Model xattr_{dir_ / "kernel", {.name = "fakexattr", .xattr = true}};
};

TEST_F(BigTreeTest, GoesAndComesBack) {
  Start(Xattr(), {{Tree()}});
  EXPECT_EQ(CountLabelled(LabelOfDomain()), kFiles);
  Stop(Xattr());
  EXPECT_EQ(CountLabelled(""), kFiles - 1);
  EXPECT_EQ(xattr_.LabelOf(Last()), "original");
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(BigTreeTest, AConflictInTheLastBatchLeavesNothing) {
  Start(Xattr(), {{MakeDisk(Last())}}, 2);
  const auto refused = Xattr().Apply(MakeDomain(1), {{MakeDisk(disk_), Tree()}});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr(Last()));
  EXPECT_EQ(CountLabelled(""), kFiles - 1);
  EXPECT_EQ(xattr_.LabelOf(disk_), "original");
  EXPECT_FALSE(IsKnown(1));
  Stop(Xattr(), 2);
  EXPECT_EQ(xattr_.LabelOf(Last()), "original");
}

TEST_F(BigTreeTest, AFailureInTheMiddleLeavesNothing) {
  xattr_.fail_set_at = kFiles / 2;
  EXPECT_FALSE(Xattr().Apply(MakeDomain(1), {{MakeDisk(disk_), Tree()}}).ok());
  EXPECT_EQ(CountLabelled(""), kFiles - 1);
  EXPECT_EQ(xattr_.LabelOf(disk_), "original");
  EXPECT_FALSE(IsKnown(1));
}

TEST_F(BigTreeTest, IsKept) {
  Start(Xattr(kKeepTrees), {{Tree()}});
  Stop(Xattr(kKeepTrees));
  EXPECT_EQ(CountLabelled(LabelOfDomain()), kFiles);
  Start(Xattr(kKeepTrees), {{Tree()}});
  Stop(Xattr(kKeepTrees));
  Forget(Xattr(kKeepTrees));
  EXPECT_EQ(CountLabelled(""), kFiles - 1);
  EXPECT_EQ(xattr_.LabelOf(Last()), "original");
  EXPECT_FALSE(IsKnown(1));
}

}  // namespace
}  // namespace svirt::fake
