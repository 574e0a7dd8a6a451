// SPDX-License-Identifier: LGPL-2.1-or-later
// Keeps the calls of plugins that are under way, and looks at them now and then.
#include "host/loader/call_watch.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "host/util/parallel.h"

namespace svirt {
namespace {

using std::chrono::milliseconds, std::chrono::steady_clock;

constexpr milliseconds kLongestPause{500};
constexpr milliseconds kPatienceWhenGivenUp{1000};

std::string SubjectOf(const CallWatch::Call &call) {
  if (call.object != nullptr) {
    return *call.object;
  }
  return call.domain != nullptr ? "domain '" + *call.domain + "'" : "";
}

OverdueCall ToOverdue(const CallWatch::Call &call) {
  return {*call.file, *call.model, call.slot, SubjectOf(call),
          std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - call.begin)};
}

}  // namespace

std::string OverdueCall::Describe() const {
  return "plugin " + file + " (model " + model + ") has not come back from " + slot +
         (subject.empty() ? "" : " for " + subject) + " for " + std::to_string(time.count()) + " s";
}

CallWatch::CallWatch(Options options) : options_(std::move(options)) {}

CallWatch::~CallWatch() {
  if (!thread_) {
    return;
  }
  // In a fork there is no such thread, and it may have held the lock when there was one.
  if (!process_.IsHere()) {
    [[maybe_unused]] auto *const thread = thread_.release();
    [[maybe_unused]] auto *const wake = wake_.release();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_->notify_one();
  thread_->join();
}

void CallWatch::Enter(std::list<Call> *call) {
  call->front().begin = steady_clock::now();
  bool is_idle = false;
  {
    const std::lock_guard lock(mutex_);
    calls_.splice(calls_.end(), *call);
    has_calls_ = true;
    is_idle = is_idle_;
    if (!thread_) {
      const SignalsBlocked blocked;
      try {
        thread_ = std::make_unique<std::thread>([this] { Run(); });
      } catch (const std::system_error &) {
        // Where no thread can be had calls are not watched.
      }
    }
  }
  if (is_idle) {
    wake_->notify_one();
  }
}

bool CallWatch::IsOverdue(const Call &call) const {
  const auto time = steady_clock::now() - call.begin;
  return call.mark->load() == nullptr &&
         (time >= options_.limit ||
          (time >= kPatienceWhenGivenUp && options_.is_given_up && options_.is_given_up()));
}

// Looks twice in a second at most, and not at all while no calls are made, so that a call costs
// hardly more than the lock.
void CallWatch::Run() {
  const milliseconds pause = std::min(options_.limit / 4, kLongestPause);
  std::unique_lock lock(mutex_);
  while (!ends_) {
    if (calls_.empty() && !has_calls_) {
      is_idle_ = true;
      wake_->wait(lock, [this] { return ends_ || has_calls_; });
      is_idle_ = false;
    }
    has_calls_ = false;
    wake_->wait_for(lock, pause, [this] { return ends_; });
    const auto found = std::ranges::find_if(calls_, [this](const Call &c) { return IsOverdue(c); });
    if (found != calls_.end() && !ends_) {
      found->mark->store(found->slot);
      const OverdueCall overdue = ToOverdue(*found);
      lock.unlock();  // others make calls while it is told
      options_.overdue(overdue);
      lock.lock();
    }
  }
}

CallWatch::Scope::Scope(CallWatch *watch, const Call &call) : watch_(watch) {
  if (watch_ != nullptr && !watch_->process_.IsHere()) {
    watch_ = nullptr;
  }
  if (watch_ != nullptr) {
    call_.push_back(call);
    entry_ = call_.begin();
    watch_->Enter(&call_);
  }
}

CallWatch::Scope::~Scope() {
  if (watch_ != nullptr) {
    const std::lock_guard lock(watch_->mutex_);
    watch_->calls_.erase(entry_);
  }
}

}  // namespace svirt
