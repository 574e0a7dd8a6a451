// SPDX-License-Identifier: LGPL-2.1-or-later
// Domains that start at the same time. ThreadSanitizer sees what they share.
#include <gtest/gtest.h>

#include <array>
#include <mutex>
#include <thread>

#include "driver.h"
#include "plugin_fixture.h"
#include "testing/fake_selinux.h"

namespace svirt::selinux {
namespace {

constexpr int kThreads = 4, kRounds = 25, kFirstFd = 100, kFirstPid = 1000;

// The fake remembers what it was asked; the system does not.
class SharedSelinux : public FakeSelinux {
 public:
  SharedSelinux() {
    for (int i = 0; i < kThreads; ++i) {
      objects[kFirstFd + i] = {};
    }
  }
  int Access(const std::string &source, const std::string &target, const char *security_class,
             const std::vector<const char *> &permissions, AccessAnswer *answer) override {
    const std::lock_guard<std::mutex> lock(lock_);
    return FakeSelinux::Access(source, target, security_class, permissions, answer);
  }

 private:
  std::mutex lock_;
};

// The life of one domain with one disk; gives the label its disk had.
std::string Live(const Driver &driver, int number) {
  svirt_error error = sdk::MakeError();
  sdk::TestDomain domain(sdk::kUuidA, "/usr/bin/qemu-system-x86_64");
  domain.Add("/images/disk" + std::to_string(number), SVIRT_OBJ_FILE, SVIRT_ACCESS_WRITE, 0,
             SVIRT_RES_DISK, kFirstFd + number);
  const svirt_resource &disk = domain.resources()[0];
  svirt_model model{};
  EXPECT_EQ(driver.GetModel("qemu", &model, &error), SVIRT_OK) << error.message;
  std::vector<svirt_index_run> runs;
  EXPECT_EQ(driver.LabelSpace(domain.get(), nullptr, &runs, &error), SVIRT_OK) << error.message;
  DomainLabels labels;
  EXPECT_EQ(driver.GenerateLabel(domain.get(), static_cast<uint64_t>(number), &labels, &error),
            SVIRT_OK)
      << error.message;
  domain.get().label = labels.process.c_str();
  domain.get().image_label = labels.image.c_str();
  EXPECT_EQ(driver.VerifyLabel(domain.get(), &error), SVIRT_OK) << error.message;
  EXPECT_EQ(driver.LabelSpace(domain.get(), labels.process.c_str(), &runs, &error), SVIRT_OK);
  sdk::ResourcePlan plan;
  EXPECT_EQ(driver.PlanLabel(domain.get(), disk, &plan, &error), SVIRT_OK) << error.message;
  EXPECT_EQ(plan.label, labels.image);
  EXPECT_EQ(driver.SetResourceLabel(disk, plan.label.c_str(), &error), SVIRT_OK) << error.message;
  svirt_exec exec{};
  EXPECT_EQ(driver.PrepareExec(domain.get(), labels.process.c_str(), &exec, &error), SVIRT_OK)
      << error.message;
  EXPECT_EQ(exec.op[0].data, labels.process);
  sdk::LabelState state;
  domain.get().pid = kFirstPid;
  EXPECT_EQ(driver.GetLabel(domain.get(), &state, &error), SVIRT_OK) << error.message;
  std::string found;
  EXPECT_EQ(driver.GetResourceLabel(disk, &found, &error), SVIRT_OK) << error.message;
  EXPECT_EQ(found, labels.image);
  EXPECT_EQ(driver.SetResourceLabel(disk, nullptr, &error), SVIRT_OK) << error.message;
  return found;
}

TEST(DriverThreads, DomainsDoNotMeet) {
  auto system = std::make_unique<SharedSelinux>();
  system->processes[kFirstPid] = "system_u:system_r:svirt_t:s0:c1,c2";
  system->defaults["/images/disk0"] = "system_u:object_r:virt_image_t:s0";
  const sdk::FakeHost host;
  const Driver driver(host.get(), std::move(system));
  std::array<std::string, kThreads> labels;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < kRounds; ++round) {
        labels[static_cast<size_t>(i)] = Live(driver, i);
      }
    });
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    for (size_t other = 0; other < i; ++other) {
      EXPECT_NE(labels[i], labels[other]);
    }
  }
}

}  // namespace
}  // namespace svirt::selinux
