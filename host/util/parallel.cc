// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs work in a bounded number of threads with all signals blocked.
#include "host/util/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace svirt {
namespace {

constexpr size_t kWorthAThread = 50;  // items; some ten microseconds each
constexpr size_t kMostThreads = 8;    // more do not get more out of one file system
constexpr size_t kMostWaiting = 256;  // threads that have nothing to do but to wait

// Does it in this thread, and in as many others as make it this number, if there can be so many.
void RunInThreads(size_t wanted, const std::function<void()> &run) {
  std::vector<std::thread> threads;
  if (wanted > 1) {
    threads.reserve(wanted);
    const SignalsBlocked blocked;
    try {
      while (threads.size() + 1 < wanted) {
        threads.emplace_back(run);
      }
    } catch (const std::system_error &) {
      // Those that there are do it.
    }
  }
  run();
  for (std::thread &thread : threads) {
    thread.join();
  }
}

}  // namespace

SignalsBlocked::SignalsBlocked() : before_() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsBlocked::~SignalsBlocked() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Status ForEach(size_t count, const std::function<Status(size_t)> &work) {
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  Status result;
  const auto run = [&] {
    for (size_t i = next++; i < count && !failed; i = next++) {
      if (Status status = work(i); !status.ok()) {
        const std::lock_guard lock(mutex);
        if (!failed.exchange(true)) {
          result = std::move(status);
        }
      }
    }
  };
  const size_t useful = std::min(count / kWorthAThread, kMostThreads);
  // To ask how many processors there are costs more than a few items.
  RunInThreads(useful <= 1 ? 1 : std::min<size_t>(useful, std::thread::hardware_concurrency()),
               run);
  return result;
}

void ForAllAtOnce(size_t count, const std::function<void(size_t)> &work) {
  std::atomic<size_t> next{0};
  RunInThreads(std::min(count, kMostWaiting), [&] {
    for (size_t i = next++; i < count; i = next++) {
      work(i);
    }
  });
}

}  // namespace svirt
