// SPDX-License-Identifier: LGPL-2.1-or-later
// The engine dies at every step, or many engines work at once: originals always come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "host/labels/testing/engine_fixture.h"

namespace svirt::fake {
namespace {

class CrashTest : public EngineTest {
 protected:
  // Runs body in a child with a store and engine of its own; the result is its wait status.
  int InChild(const std::function<bool(Engine &)> &body) {
    const pid_t pid = Start(body);
    int status = -1;
    ::waitpid(pid, &status, 0);
    return status;
  }

  pid_t Start(const std::function<bool(Engine &)> &body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto store = LabelStore::Open({.directory = dir_ / "state"});
      if (!store.ok()) {
        ::_exit(3);
      }
      Engine engine(store->get(), {mac_.plugin(), profile_.plugin()}, {}, dir_ / "proc");
      ::_exit(body(engine) ? 0 : 1);
    }
    return pid;
  }

  Engine Both() { return MakeEngine({mac_.plugin(), profile_.plugin()}); }

  // A disk, a shared base image, and a tree.
  Manifest MakeManifest() {
    ::mkdir((dir_ / "tree").c_str(), 0700);
    ::mkdir((dir_ / "tree/sub").c_str(), 0700);
    for (const char *name : {"disk", "base", "tree/a", "tree/sub/b"}) {
      paths_.push_back(dir_ / name);
      Touch(paths_.back());
      mac_.SetLabelOf(paths_.back(), std::string("original-") + name);
    }
    Resource tree = MakeDisk(dir_ / "tree");
    tree.kind = ResourceKind::kShare;
    tree.object = ObjectType::kDir;
    tree.subtree = true;
    return {{MakeDisk(dir_ / "disk"), MakeDisk(dir_ / "base", true), tree}};
  }

  void ExpectOriginals(const std::string &when) {
    for (const std::string &path : paths_) {
      EXPECT_EQ(Label(path), "original-" + path.substr(dir_.path().size() + 1)) << when;
    }
    EXPECT_EQ(Label(dir_ / "tree"), "") << when;
    EXPECT_TRUE(store_->registry().Owners()->empty()) << when;
    EXPECT_EQ(profile_.ProfileOf(MakeDomain(1).uuid), "") << when;
  }

  // Kills a child at each call it makes into a model, until it makes so many no more. after is
  // called after each of the deaths.
  void KillAtEachCall(const std::function<bool(Engine &)> &body,
                      const std::function<void(const std::string &)> &after) {
    for (Model *model : {&mac_, &profile_}) {
      int at = 1;
      for (;; ++at) {
        ASSERT_LT(at, 1000);
        model->calls = 0;
        model->kill_at = at;
        const int status = InChild(body);
        model->kill_at = 0;
        if (WIFEXITED(status)) {
          EXPECT_EQ(WEXITSTATUS(status), 0);
          break;
        }
        after(model->options.name + " at call " + std::to_string(at));
      }
      EXPECT_GT(at, 1) << "the steps of " << model->options.name << " were not killed";
      after("the whole of it");
    }
  }

  std::vector<std::string> paths_;
};

TEST_F(CrashTest, OriginalsComeBackWhereverApplyDies) {
  const Manifest manifest = MakeManifest();
  KillAtEachCall([&](Engine &engine) { return engine.Apply(MakeDomain(1), manifest).ok(); },
                 [&](const std::string &when) {
                   const auto status = Both().Recover();
                   EXPECT_TRUE(status.ok()) << status.error().message;
                   ExpectOriginals(when);
                 });
}

TEST_F(CrashTest, OriginalsComeBackWhereverRestoreDies) {
  const Manifest manifest = MakeManifest();
  const auto apply = [&] {
    const int status =
        InChild([&](Engine &engine) { return engine.Apply(MakeDomain(1), manifest).ok(); });
    EXPECT_EQ(status, 0);
  };
  apply();
  KillAtEachCall([&](Engine &engine) { return engine.Restore(MakeDomain(1).uuid).ok(); },
                 [&](const std::string &when) {
                   const auto status = Both().Recover();
                   EXPECT_TRUE(status.ok()) << status.error().message;
                   ExpectOriginals(when);
                   apply();
                 });
}

// The change of a domain that has labels already: from one label of ours to another.
TEST_F(CrashTest, OriginalsComeBackWhereverAChangeDies) {
  const Manifest before = MakeManifest();
  Manifest after = before;
  after.resources[0].access = kAccessRead;
  after.resources[1] = MakeDisk(dir_ / "base");
  KillAtEachCall(
      [&](Engine &engine) {
        return engine.Apply(MakeDomain(1), before).ok() && engine.Apply(MakeDomain(1), after).ok();
      },
      [&](const std::string &when) {
        const auto status = Both().Recover();
        EXPECT_TRUE(status.ok()) << status.error().message;
        ExpectOriginals(when);
      });
}

TEST_F(CrashTest, TheNextStartGoesOnWhereverTheLastOneDied) {
  const Manifest manifest = MakeManifest();
  KillAtEachCall([&](Engine &engine) { return engine.Apply(MakeDomain(1), manifest).ok(); },
                 [&](const std::string &when) {
                   const auto plan = Both().Apply(MakeDomain(1), manifest);
                   ASSERT_TRUE(plan.ok()) << when << ": " << plan.error().message;
                   EXPECT_EQ(Label(dir_ / "disk"), plan->models[0].seclabel.image_label) << when;
                   EXPECT_EQ(Label(dir_ / "tree/sub/b"), plan->models[0].seclabel.image_label)
                       << when;
                   const auto status = Both().Restore(MakeDomain(1).uuid);
                   EXPECT_TRUE(status.ok()) << status.error().message;
                   ExpectOriginals(when);
                 });
}

TEST_F(CrashTest, ADeathDoesNotTouchWhatALivingDomainShares) {
  const Manifest manifest = MakeManifest();
  MustApply(2, {{MakeDisk(dir_ / "base", true)}});
  KillAtEachCall([&](Engine &engine) { return engine.Apply(MakeDomain(1), manifest).ok(); },
                 [&](const std::string &when) {
                   EXPECT_TRUE(Both().Recover().ok());
                   EXPECT_EQ(Label(dir_ / "base"), "content") << when;
                   EXPECT_EQ(Label(dir_ / "disk"), "original-disk") << when;
                 });
  MustRestore(2);
  ExpectOriginals("at the end");
}

// At moments that no call into a model marks.
TEST_F(CrashTest, OriginalsComeBackAfterDeathAtAnyMoment) {
  const Manifest manifest = MakeManifest();
  std::mt19937 random(7);
  int killed = 0;
  for (int round = 0; round < 60; ++round) {
    const pid_t pid = Start([&](Engine &engine) {
      for (;;) {
        if (!engine.Apply(MakeDomain(1), manifest).ok() ||
            !engine.Restore(MakeDomain(1).uuid).ok()) {
          return false;
        }
      }
    });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30000));
    ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    killed += WIFSIGNALED(status) ? 1 : 0;
    const auto recovered = Both().Recover();
    ASSERT_TRUE(recovered.ok()) << recovered.error().message;
    ExpectOriginals("round " + std::to_string(round));
  }
  EXPECT_EQ(killed, 60);
}

// Domains come and go on one base image. Whoever is there finds it labelled, and the original is
// never forgotten.
TEST_F(CrashTest, ManyDomainsShareAnImageAtOnce) {
  const std::string base = Image("base");
  std::vector<pid_t> children;
  for (int p = 1; p <= 6; ++p) {
    children.push_back(Start([&, p](Engine &engine) {
      for (int i = 0; i < 60; ++i) {
        if (!engine.Apply(MakeDomain(p), {{MakeDisk(base, true)}}).ok() ||
            mac_.LabelOf(base) != "content" || !engine.Restore(MakeDomain(p).uuid).ok()) {
          return false;
        }
      }
      return true;
    }));
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(Label(base), "original-base");
  EXPECT_TRUE(store_->registry().Owners()->empty());
}

// A power failure leaves the journal and no process; the device may have another number now.
TEST_F(CrashTest, LabelsOfAnEarlierBootAreUndone) {
  const std::string disk = Image("disk");
  const pid_t pid =
      Start([&](Engine &engine) { return engine.Apply(MakeDomain(1), {{MakeDisk(disk)}}).ok(); });
  ::waitpid(pid, nullptr, 0);
  auto database = Database::Open(dir_ / "state/labels.db", {});
  ASSERT_TRUE(database.ok());
  ASSERT_TRUE((*database)
                  ->Execute("UPDATE use SET boot=boot+1, dev=dev+1;"
                            "UPDATE holder SET boot_id='earlier', pid=1")
                  .ok());
  std::vector<std::string> notes;
  ASSERT_TRUE(Both().Recover(&notes).ok());
  EXPECT_TRUE(notes.empty()) << notes.front();
  EXPECT_EQ(Label(disk), "original-disk");
}

}  // namespace
}  // namespace svirt::fake
