// SPDX-License-Identifier: LGPL-2.1-or-later
// Work in threads: each item once, none after a failure, and no signals.
#include "host/util/parallel.h"

#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace svirt {
namespace {

TEST(ForEachTest, DoesEachOnce) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{10}, size_t{5000}}) {
    std::vector<std::atomic<int>> done(count);
    EXPECT_TRUE(ForEach(count, [&done](size_t i) {
                  ++done[i];
                  return Status();
                }).ok());
    for (const std::atomic<int> &each : done) {
      EXPECT_EQ(each, 1) << count;
    }
  }
}

TEST(ForEachTest, FewAreDoneByTheCallerInTheirOrder) {
  std::vector<size_t> order;
  EXPECT_TRUE(ForEach(90, [&order](size_t i) {
                order.push_back(i);
                return Status();
              }).ok());
  ASSERT_EQ(order.size(), 90U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(ForEachTest, NoneIsBegunAfterAFailure) {
  std::atomic<int> begun{0};
  const Status status = ForEach(1'000'000, [&begun](size_t i) -> Status {
    ++begun;
    return i == 100 ? Status(Error{Errc::kInvalid, "the hundredth"}) : Status();
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "the hundredth");
  EXPECT_LT(begun, 1'000'000);
}

TEST(ForEachTest, ItsThreadsTakeNoSignals) {
  std::atomic<int> elsewhere{0}, open{0};
  const auto self = std::this_thread::get_id();
  const bool has_others = std::thread::hardware_concurrency() > 1;
  // On a busy machine this thread would be done before another one has begun.
  const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  EXPECT_TRUE(ForEach(5000, [&](size_t) {
                while (std::this_thread::get_id() == self && has_others && elsewhere == 0 &&
                       std::chrono::steady_clock::now() < latest) {
                  std::this_thread::sleep_for(std::chrono::milliseconds(1));
                }
                if (std::this_thread::get_id() != self) {
                  sigset_t blocked;
                  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
                  ++elsewhere;
                  open += ::sigismember(&blocked, SIGUSR1) == 1 ? 0 : 1;
                }
                return Status();
              }).ok());
  if (has_others) {
    EXPECT_GT(elsewhere, 0);
  }
  EXPECT_EQ(open, 0);
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_EQ(::sigismember(&blocked, SIGUSR1), 0);
}

TEST(ForAllAtOnceTest, ThoseThatWaitDoSoTogether) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{2}, size_t{40}, size_t{1000}}) {
    std::vector<std::atomic<int>> done(count);
    const auto begin = std::chrono::steady_clock::now();
    ForAllAtOnce(count, [&done](size_t i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      ++done[i];
    });
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5)) << count;
    for (const std::atomic<int> &each : done) {
      EXPECT_EQ(each, 1) << count;
    }
  }
}

}  // namespace
}  // namespace svirt
