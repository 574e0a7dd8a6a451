// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs code and strikes it at a chosen system call.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/util/result.h"

namespace svirt::fault {

// What is done to a process, and at which of its system calls, counted from 1 in the order in
// which they begin.
struct Strike {
  enum class Action { kNone, kKill, kFail };
  Action action = Action::kNone;
  uint64_t call = 0;
  // kFail: with which of ErrorsOf(the call) it fails, without having done anything. If there are
  // not so many, nothing is struck.
  size_t error = 0;
  long only = -1;  // number of the system call that alone is counted for it; -1: all are
  // Calls are counted from the since_count-th call of this number on; -1: from the first one.
  long since = -1;
  uint64_t since_count = 1;
};

struct Outcome {
  uint64_t calls = 0;         // that began, of those that are counted
  long struck = -1;           // number of the system call that was struck; -1: none
  int error = 0;              // that it failed with
  int status = 0;             // wait status
  std::vector<long> numbers;  // of all calls, in their order
};

struct TraceOptions {
  // Processes that the traced one makes are traced and counted, too; if not, they run freely.
  // Threads always belong to it.
  bool follow = false;
};

// Runs body in a child process that ends with its result, and strikes it. A strike kills at the
// beginning of a call, so that all calls before it have been made and it has not; killing at each
// one in turn meets every state the process can leave behind. Children are reaped while this runs,
// also those that it did not make.
Result<Outcome> Trace(const std::function<int()> &body, const Strike &strike,
                      const TraceOptions &options = {});

// "openat"; "call 123" if it is not one of those that matter here.
std::string CallName(long number);
// -1 if no call that matters here has that name.
long CallNumber(std::string_view name);
// Errors that the call really can fail with and that are worth trying; empty: it cannot fail, or to
// make it fail would only test the C library.
std::vector<int> ErrorsOf(long number);

}  // namespace svirt::fault
