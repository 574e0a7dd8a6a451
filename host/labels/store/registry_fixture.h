// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests of the registry: owners, requests, and child processes that use one store.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "host/labels/store/label_store.h"
#include "host/labels/testing/fake_model.h"

namespace svirt::fake {

// The 28 pairs of eight categories.
inline const IndexRuns kSmall = {{0, 28}};
// All pairs of 1024 categories.
inline const IndexRuns kLarge = {{0, 523776}};

inline LabelOwner Owner(int number) {
  const Domain domain = MakeDomain(number);
  return {domain.uuid, domain.name, domain.type};
}

inline LabelRequest Dynamic(IndexRuns runs) {
  return {.model = "fakemac",
          .doi = "tests.example",
          .type = SecLabel::Type::kDynamic,
          .label = "",
          .runs = std::move(runs)};
}

inline LabelRequest Static(const std::string &label, IndexRuns runs) {
  return {.model = "fakemac",
          .doi = "tests.example",
          .type = SecLabel::Type::kStatic,
          .label = label,
          .runs = std::move(runs)};
}

inline std::unique_ptr<LabelStore> OpenStore(const std::string &directory) {
  auto store = LabelStore::Open({.directory = directory});
  if (!store.ok()) {
    ADD_FAILURE() << store.error().message;
    return nullptr;
  }
  return std::move(*store);
}

// Runs body in a child process that ends with its result.
template <typename Body>
pid_t Fork(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::_exit(body());
  }
  return pid;
}

inline int WaitFor(pid_t pid) {
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

class RegistryTest : public testing::Test {
 protected:
  uint64_t Acquire(int owner, const IndexRuns &runs = kSmall) {
    const auto index = store_->registry().Acquire(Owner(owner), Dynamic(runs));
    EXPECT_TRUE(index.ok()) << index.error().message;
    return index.ok() ? index->value_or(~uint64_t{0}) : ~uint64_t{0};
  }
  void Release(int owner) {
    const auto status = store_->journal().FinishUndo(Owner(owner).uuid, {}, true);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
  // Makes the owner's only holder a process that has ended.
  void Die(int owner) {
    const pid_t pid = Fork([] {
      ::pause();
      return 0;
    });
    const auto process = IdentifyProcess(pid);
    EXPECT_TRUE(process.ok());
    EXPECT_TRUE(store_->registry().AddHolder(Owner(owner).uuid, *process).ok());
    ::kill(pid, SIGKILL);
    WaitFor(pid);
  }

  TempDir dir_;
  std::unique_ptr<LabelStore> store_ = OpenStore(dir_ / "state");
};

}  // namespace svirt::fake
