// SPDX-License-Identifier: LGPL-2.1-or-later
// Shows people at a terminal how far a command has come.
#pragma once

#include <chrono>
#include <string>

#include "host/util/progress.h"

namespace svirt {

// One line on standard error, written over itself, and gone when the work has ended. Quick work
// shows none.
class ProgressLine {
 public:
  using Clock = std::chrono::steady_clock;

  void Show(const Progress &progress);

  // "labelling: 1,200 of 5,000 objects, 400/s, 9 s left"
  static std::string Format(const Progress &progress, std::chrono::milliseconds time);

 private:
  Progress current_{};
  Clock::time_point begin_{}, shown_{};
  bool is_shown_ = false;
};

// Shows work on standard error if that is a terminal; else it is empty.
ProgressSink ShowOnTerminal();

}  // namespace svirt
