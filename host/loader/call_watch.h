// SPDX-License-Identifier: LGPL-2.1-or-later
// Notices calls of plugins that do not come back.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "host/util/fork_mark.h"

namespace svirt {

// A call of a plugin that has taken too long, and has not come back.
struct OverdueCall {
  std::string file, model, slot;
  std::string subject;  // what it is about: "domain 'a'", or a path; may be empty
  std::chrono::seconds time{};

  // "plugin FILE (model MODEL) has not come back from SLOT for SUBJECT for N s"
  std::string Describe() const;
};

// Watches calls of plugins, in a thread of its own that begins with the first call and ends with
// the watch. A fork has no such thread, and nothing is watched there.
class CallWatch {
 public:
  using Handler = std::function<void(const OverdueCall &)>;
  struct Options {
    std::chrono::milliseconds limit{};
    // Called once for each call that has taken longer, in the thread of the watch, while the call
    // goes on.
    Handler overdue;
    // Does nobody wait any more? Then a call is overdue after a second already. May be empty.
    std::function<bool()> is_given_up;
  };

  explicit CallWatch(Options options);
  ~CallWatch();
  CallWatch(const CallWatch &) = delete;
  CallWatch &operator=(const CallWatch &) = delete;

  std::chrono::milliseconds limit() const { return options_.limit; }

  // What is watched. Pointers are valid as long as the call takes.
  struct Call {
    const std::string *file, *model;
    const char *slot;
    const std::string *domain, *object;  // either may be nullptr
    // Set to slot when the call is overdue.
    std::atomic<const char *> *mark;
    std::chrono::steady_clock::time_point begin{};
  };

  // A call under way, from any thread, while it lives.
  class Scope {
   public:
    // watch: nullptr watches nothing.
    Scope(CallWatch *watch, const Call &call);
    ~Scope();
    Scope(const Scope &) = delete;
    Scope &operator=(const Scope &) = delete;

   private:
    CallWatch *watch_;
    std::list<Call> call_;  // until it is the watch's
    std::list<Call>::iterator entry_;
  };

 private:
  void Enter(std::list<Call> *call);
  void Run();
  bool IsOverdue(const Call &call) const;

  Options options_;
  const ForkMark process_;
  std::mutex mutex_;  // of all below
  // In a fork both are left as they are: what would end them deals with a thread that is not there.
  std::unique_ptr<std::condition_variable> wake_ = std::make_unique<std::condition_variable>();
  std::list<Call> calls_;
  bool is_idle_ = false;    // the thread waits for a call
  bool has_calls_ = false;  // since the thread has looked
  bool ends_ = false;
  std::unique_ptr<std::thread> thread_;
};

}  // namespace svirt
