// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells whoever waits how far long work has come.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>

namespace svirt {

struct Progress {
  const char *work;  // "looking", "labelling"
  size_t done = 0;   // objects
  size_t total = 0;  // 0: not known
  bool has_ended = false;
};

// Called by one thread at a time, whichever. May be empty.
using ProgressSink = std::function<void(const Progress &)>;

// Counts what several threads have done of one piece of work, and reports it now and then; and, if
// it has reported anything, its end. The sink outlives it.
class ProgressCount {
 public:
  ProgressCount(const ProgressSink &sink, const char *work, size_t total)
      : sink_(sink), work_(work), total_(total) {}
  ~ProgressCount();
  ProgressCount(const ProgressCount &) = delete;
  ProgressCount &operator=(const ProgressCount &) = delete;

  // One more is done. Any thread.
  void Add();

 private:
  const ProgressSink &sink_;
  const char *work_;
  const size_t total_;
  std::atomic<size_t> done_ = 0;
  std::mutex mutex_;  // of the sink
  bool has_reported_ = false;
};

}  // namespace svirt
