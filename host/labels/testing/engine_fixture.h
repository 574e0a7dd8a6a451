// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests of the engine: a store, models made for tests, and images to be labelled.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "host/labels/engine.h"
#include "host/labels/store/label_store.h"
#include "host/labels/testing/fake_model.h"

namespace svirt::fake {

// An engine with a store of its own, an object model and a profile model.
class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    auto store = LabelStore::Open({.directory = dir_ / "state"});
    if (!store.ok()) {
      throw std::runtime_error(store.error().message);
    }
    store_ = std::move(*store);
    // Processes of the machine have nothing to say here.
    ::mkdir((dir_ / "proc").c_str(), 0700);
    ::mkdir((dir_ / "kernel").c_str(), 0700);
  }

  Engine MakeEngine() { return MakeEngine({mac_.plugin()}); }
  Engine MakeEngine(std::vector<Plugin *> plugins, ConfinementPolicy policy = {}) {
    return Engine(store_.get(), std::move(plugins), std::move(policy), dir_ / "proc");
  }
  // An image with an original label of its own.
  std::string Image(const std::string &name) {
    std::string path = Touch(dir_ / name);
    mac_.SetLabelOf(path, "original-" + name);
    return path;
  }
  std::string Label(const std::string &path) { return mac_.LabelOf(path); }

  Plan MustApply(int domain, const Manifest &manifest) {
    auto plan = MakeEngine().Apply(MakeDomain(domain), manifest);
    if (!plan.ok()) {
      throw std::runtime_error(plan.error().message);  // fails the test: it needs the plan
    }
    return std::move(*plan);
  }
  void MustRestore(int domain, std::vector<std::string> *notes = nullptr) {
    const auto status = MakeEngine().Restore(MakeDomain(domain).uuid, notes);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
  bool IsKnown(int domain) {
    return store_->registry().Describe(MakeDomain(domain).uuid)->has_value();
  }
  // Makes the domain's only process one that has ended.
  void Die(int domain) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::pause();
      ::_exit(0);
    }
    EXPECT_TRUE(MakeEngine().AddHolder(MakeDomain(domain), pid).ok());
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }

  TempDir dir_;
  std::unique_ptr<LabelStore> store_;
  Model mac_{dir_ / "kernel", {}};
  Model profile_{dir_ / "kernel", {.name = "fakeprofile", .profile = true}};
};

inline SecLabel MakeSecLabel(SecLabel::Type type, const std::string &model,
                             const std::string &label = "") {
  SecLabel seclabel;
  seclabel.type = type;
  seclabel.model = model;
  seclabel.label = label;
  return seclabel;
}

}  // namespace svirt::fake
