// SPDX-License-Identifier: LGPL-2.1-or-later
// Every step of handing a domain to another host, killed at every other of its system calls: the
// object's label stays as long as one host has the domain, and one host goes on knowing the old
// label.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/labels/apply/handover.h"
#include "host/labels/engine.h"
#include "host/labels/testing/fake_model.h"
#include "tests/fault/tracer.h"

namespace svirt::fault {
namespace {

namespace fs = std::filesystem;

class HandoverFaultTest : public testing::Test {
 protected:
  HandoverFaultTest() : disk_(fake::Touch(dir_ / "disk")) {
    for (const char *name : {"kernel", "proc"}) {
      fs::create_directory(dir_ / name);
    }
  }

  void SetUp() override {
    mac_.SetLabelOf(disk_, "original");
    if (mac_.LabelOf(disk_) != "original") {
      GTEST_SKIP() << "needs a directory for temporary files (TMPDIR) with user.* attributes";
    }
  }

  // A host of this name, opened anew: no connection to its database goes through a fork.
  template <typename Work>
  Status On(const char *host, Work work) {
    SVIRT_ASSIGN(const auto store, LabelStore::Open({.directory = dir_ / host}));
    return work(*store);
  }
  Status Recover(const char *host) {
    return On(host, [this](LabelStore &store) {
      return Engine(&store, plugins_, {}, dir_ / "proc").Recover();
    });
  }
  Status Stop(const char *host) {
    return On(host, [this](LabelStore &store) {
      return Engine(&store, plugins_, {}, dir_ / "proc").Restore(uuid_);
    });
  }
  HandoverState StateOn(const char *host, bool *known = nullptr) {
    HandoverState state = HandoverState::kNone;
    const Status status = On(host, [&](LabelStore &store) -> Status {
      SVIRT_ASSIGN(const auto owner, store.registry().Describe(uuid_));
      state = owner ? owner->handover : HandoverState::kNone;
      if (known != nullptr) {
        *known = owner.has_value();
      }
      return {};
    });
    EXPECT_TRUE(status.ok()) << status.error().message;
    return state;
  }

  // The domain was labelled on the first host, and no other is known.
  void Begin() {
    fs::remove_all(dir_ / "here");
    fs::remove_all(dir_ / "there");
    mac_.SetLabelOf(disk_, "original");
    const Status status = On("here", [this](LabelStore &store) -> Status {
      Engine engine(&store, plugins_, {}, dir_ / "proc");
      SVIRT_ASSIGN(const Plan plan, engine.Apply(fake::MakeDomain(1), {{fake::MakeDisk(disk_)}}));
      return engine.Pin(uuid_);
    });
    ASSERT_TRUE(status.ok()) << status.error().message;
    label_ = mac_.LabelOf(disk_);
    ASSERT_NE(label_, "original");
    ASSERT_TRUE(On("there", [](LabelStore &) { return Status(); }).ok());
  }
  Status BeginOut() {
    return On("here", [this](LabelStore &store) -> Status {
      SVIRT_ASSIGN(handover_, HandoverDesk(&store, plugins_).BeginOut(uuid_));
      return {};
    });
  }
  Status PrepareIn() {
    return On("there", [this](LabelStore &store) {
      return HandoverDesk(&store, plugins_).PrepareIn(handover_, nullptr);
    });
  }
  Status Commit(const char *host) {
    return On(host,
              [this](LabelStore &store) { return HandoverDesk(&store, plugins_).Commit(uuid_); });
  }

  // Kills step at every other of its calls in turn; check finds what it left.
  void KillAtMany(const std::function<void()> &prepare, const std::function<Status()> &step,
                  const std::function<void()> &check) {
    uint64_t call = 1;
    for (bool killed = true; killed; call += 2) {
      ASSERT_LT(call, 5000u);
      prepare();
      const auto outcome =
          Trace([&step] { return step().ok() ? 0 : 1; }, {Strike::Action::kKill, call, 0});
      ASSERT_TRUE(outcome.ok()) << outcome.error().message;
      killed = WIFSIGNALED(outcome->status);
      EXPECT_TRUE(killed || WEXITSTATUS(outcome->status) == 0);
      check();
      ASSERT_FALSE(HasFailure()) << "killed at call " << call << " (" << CallName(outcome->struck)
                                 << ")";
    }
    EXPECT_GT(call, 30u);
  }

  fake::TempDir dir_;
  fake::Model mac_{dir_ / "kernel", {.xattr = true}};
  const std::vector<Plugin *> plugins_ = {mac_.plugin()};
  const std::string disk_, uuid_ = fake::MakeDomain(1).uuid;
  std::string label_;
  Handover handover_;
};

TEST_F(HandoverFaultTest, BeginOut) {
  KillAtMany([this] { Begin(); }, [this] { return BeginOut(); },
             [this] {
               ASSERT_TRUE(Recover("here").ok());
               EXPECT_EQ(mac_.LabelOf(disk_), label_);
               EXPECT_TRUE(BeginOut().ok()) << "it can be asked again";
               EXPECT_EQ(handover_.objects.size(), 1u);
             });
}

TEST_F(HandoverFaultTest, PrepareIn) {
  const auto prepare = [this] {
    Begin();
    ASSERT_TRUE(BeginOut().ok());
  };
  KillAtMany(
      prepare, [this] { return PrepareIn(); },
      [this] {
        ASSERT_TRUE(Recover("there").ok());
        EXPECT_EQ(mac_.LabelOf(disk_), label_);
        bool known = false;
        const HandoverState state = StateOn("there", &known);
        EXPECT_EQ(known, state == HandoverState::kIncoming) << "half of it is nothing";
        if (!known) {
          EXPECT_TRUE(PrepareIn().ok());
        }
      });
}

TEST_F(HandoverFaultTest, Commit) {
  const auto prepare = [this] {
    Begin();
    ASSERT_TRUE(BeginOut().ok());
    ASSERT_TRUE(PrepareIn().ok());
  };
  KillAtMany(
      prepare, [this] { return Commit("here"); },
      [this] {
        bool known = false;
        if (StateOn("here", &known) == HandoverState::kOutgoing) {
          EXPECT_TRUE(Commit("here").ok()) << "it can be asked again";
        }
        ASSERT_TRUE(Commit("there").ok());
        ASSERT_TRUE(Recover("here").ok());
        EXPECT_EQ(mac_.LabelOf(disk_), label_);
        ASSERT_TRUE(Stop("there").ok());
        EXPECT_EQ(mac_.LabelOf(disk_), "original") << "which the other host knew";
      });
}

}  // namespace
}  // namespace svirt::fault
