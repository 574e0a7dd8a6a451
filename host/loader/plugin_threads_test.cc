// SPDX-License-Identifier: LGPL-2.1-or-later
// Calls from many threads reach a plugin one by one or together, as its table says.
#include <atomic>
#include <chrono>
#include <thread>

#include "host/loader/plugin_fixture_test.h"

namespace svirt {
namespace {

// Counts how many calls are inside the plugin at once.
class Crowd {
 public:
  svirt_status Enter() {
    const int now = ++inside_;
    int seen = most_;
    while (seen < now && !most_.compare_exchange_weak(seen, now)) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    --inside_;
    return SVIRT_OK;
  }
  int most() const { return most_; }

 private:
  std::atomic<int> inside_{0}, most_{0};
};

void Hammer(Plugin *plugin, const DomainRef &domain, bool with_probe) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([=] {
      for (int n = 0; n < 20; ++n) {
        EXPECT_TRUE(plugin->VerifyLabel(domain).ok());
        if (with_probe) {
          plugin->Probe("");
        }
      }
    });
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
}

TEST_F(PluginTest, SerialPluginsSeeOneCallAtATime) {
  Crowd crowd;
  fake_.table.threads = SVIRT_THREADS_SERIAL;
  fake_.does.verify = [&](const svirt_domain *, svirt_error *) { return crowd.Enter(); };
  Start();
  Hammer(plugin_.get(), Dynamic(), false);
  EXPECT_EQ(crowd.most(), 1);
}

TEST_F(PluginTest, ParallelPluginsSeeManyCallsButNoneDuringProbe) {
  Crowd crowd, probes;
  std::atomic<int> calls{0};
  fake_.does.verify = [&](const svirt_domain *, svirt_error *) {
    ++calls;
    const svirt_status status = crowd.Enter();
    --calls;
    return status;
  };
  fake_.does.probe = [&](svirt_error *) {
    EXPECT_EQ(calls, 0);
    const svirt_status status = probes.Enter();
    EXPECT_EQ(calls, 0);
    return status;
  };
  Start();
  Hammer(plugin_.get(), Dynamic(), false);
  EXPECT_GT(crowd.most(), 1);
  Hammer(plugin_.get(), Dynamic(), true);
  EXPECT_EQ(probes.most(), 1);
}

// Two owners of one table, such as two libraries in one process.
TEST_F(PluginTest, ASharedGateKeepsProbeAloneAcrossOwners) {
  const auto gate = std::make_shared<PluginGate>();
  auto one = Plugin::Create(&fake_.table, {.gate = gate}).value();
  auto two = Plugin::Create(&fake_.table, {.gate = gate}).value();
  ASSERT_TRUE(one->Init().ok());
  std::atomic<int> calls{0};
  fake_.does.verify = [&](const svirt_domain *, svirt_error *) {
    ++calls;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --calls;
    return SVIRT_OK;
  };
  fake_.does.probe = [&](svirt_error *) {
    EXPECT_EQ(calls, 0);
    return SVIRT_OK;
  };
  std::thread prober([&] {
    for (int i = 0; i < 50; ++i) {
      two->Probe("");
    }
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(one->VerifyLabel(Dynamic()).ok());
  }
  prober.join();
}

}  // namespace
}  // namespace svirt
