// SPDX-License-Identifier: LGPL-2.1-or-later
// The registry when it is full, and under many hands at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "host/labels/store/registry_fixture.h"

namespace svirt::fake {
namespace {

using std::chrono::steady_clock;
using testing::HasSubstr;

// Sanitizers make everything several times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSlow = true;
#else
constexpr bool kSlow = false;
#endif

TEST_F(RegistryTest, TheTwentyNinthOfTwentyEightIsRefusedAtOnce) {
  std::set<uint64_t> given;
  for (int owner = 1; owner <= 28; ++owner) {
    given.insert(Acquire(owner));
  }
  EXPECT_EQ(given.size(), 28u);
  EXPECT_EQ(*given.rbegin(), 27u);
  // The best of several: other processes of the machine only ever make it longer.
  auto took = steady_clock::duration::max();
  for (int i = 0; i < 10; ++i) {
    const auto begin = steady_clock::now();
    const auto refused = store_->registry().Acquire(Owner(29), Dynamic(kSmall));
    took = std::min(took, steady_clock::now() - begin);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Errc::kExhausted);
    EXPECT_THAT(refused.error().message, HasSubstr("all 28 labels"));
    EXPECT_THAT(refused.error().message, HasSubstr("in use by 28 domains"));
  }
  EXPECT_LT(took, std::chrono::milliseconds(kSlow ? 200 : 10));
  RecordProperty("microseconds", static_cast<int>(took / std::chrono::microseconds(1)));
  EXPECT_FALSE(store_->registry().Describe(Owner(29).uuid)->has_value());  // nothing half done
  Release(7);
  EXPECT_TRUE(store_->registry().Acquire(Owner(29), Dynamic(kSmall)).ok());
}

// Fills the space with one owner's runs so that 99.9 % is taken, in pieces.
TEST_F(RegistryTest, AFullSpaceCostsWhatAnEmptyOneCosts) {
  const auto measure = [this](int owner) {
    // The best of several: other processes of the machine only ever make it longer.
    auto best = steady_clock::duration::max();
    for (int i = 0; i < 200; ++i) {
      const auto begin = steady_clock::now();
      Acquire(owner, kLarge);
      best = std::min(best, steady_clock::now() - begin);
      Release(owner);
    }
    return best;
  };
  const auto empty = measure(1);
  IndexRuns most;
  for (uint64_t first = 0; first < 523776; first += 1000) {
    most.push_back({first, std::min<uint64_t>(999, 523776 - first)});
  }
  ASSERT_TRUE(store_->registry().Acquire(Owner(2), Static("S:most", most)).ok());
  const auto full = measure(3);
  EXPECT_LT(full, 3 * empty);  // the benchmark holds it to 2; here other tests run beside it
}

TEST_F(RegistryTest, ManyThreadsNeverGetTheSame) {
  constexpr int kThreads = 8, kEach = 25;
  std::vector<std::vector<uint64_t>> given(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t, &given] {
      for (int i = 0; i < kEach; ++i) {
        const auto index = store_->registry().Acquire(Owner(1000 * t + i), Dynamic(kLarge));
        if (index.ok()) {
          given[static_cast<size_t>(t)].push_back(index->value());
        }
      }
    });
  }
  std::set<uint64_t> all;
  for (int t = 0; t < kThreads; ++t) {
    threads[static_cast<size_t>(t)].join();
    all.insert(given[static_cast<size_t>(t)].begin(), given[static_cast<size_t>(t)].end());
  }
  EXPECT_EQ(all.size(), static_cast<size_t>(kThreads * kEach));
}

// Each child notes what it was given in a file of its own, after it was given it, and is killed at
// some moment; what stands in the files must be all different, and be what the registry says.
TEST_F(RegistryTest, ManyProcessesThatAreKilledNeverGetTheSame) {
  constexpr int kProcesses = kSlow ? 8 : 64, kEach = kSlow ? 50 : 500;
  store_.reset();
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    children.push_back(Fork([this, p] {
      const auto store = LabelStore::Open({.directory = dir_ / "state"});
      if (!store.ok()) {
        return 2;
      }
      std::ofstream out(dir_ / ("given-" + std::to_string(p)));
      for (int i = 0; i < kEach; ++i) {
        const auto index = (*store)->registry().Acquire(Owner(p * kEach + i), Dynamic(kLarge));
        if (!index.ok()) {
          return 3;
        }
        out << p * kEach + i << ' ' << index->value() << std::endl;
      }
      return 0;
    }));
  }
  // Every other child is killed, one after the other, while all are at work.
  std::vector<int> killed;
  for (int p = 0; p < kProcesses; p += 2) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ::kill(children[static_cast<size_t>(p)], SIGKILL);
  }
  int survivors = 0;
  for (int p = 0; p < kProcesses; ++p) {
    const int status = WaitFor(children[static_cast<size_t>(p)]);
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "child " << p;
    survivors += WIFEXITED(status) ? 1 : 0;
  }
  EXPECT_GE(survivors, kProcesses / 2);

  store_ = OpenStore(dir_ / "state");
  std::set<uint64_t> all;
  size_t lines = 0;
  for (int p = 0; p < kProcesses; ++p) {
    std::ifstream in(dir_ / ("given-" + std::to_string(p)));
    int owner = 0;
    uint64_t index = 0;
    while (in >> owner >> index) {
      ++lines;
      EXPECT_TRUE(all.insert(index).second) << index << " was given twice";
    }
  }
  EXPECT_GE(lines, static_cast<size_t>(kProcesses / 2 * kEach));
  // The tables are in order: what is free and what is taken cover everything once.
  auto database = Database::Open(dir_ / "state/labels.db", {});
  ASSERT_TRUE(database.ok());
  EXPECT_EQ(*(*database)->AskInt("SELECT (SELECT sum(last-first+1) FROM free) + "
                                 "(SELECT sum(last-first+1) FROM taken)"),
            static_cast<int64_t>(kIndexEnd));
  EXPECT_EQ(*(*database)->AskInt("SELECT count(*) FROM taken WHERE owner NOT IN "
                                 "(SELECT owner FROM label)"),
            0);
}

}  // namespace
}  // namespace svirt::fake
