// SPDX-License-Identifier: LGPL-2.1-or-later
// Identifies processes beyond their pid, and tells whether they still run.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "host/util/result.h"

namespace svirt {

// A process, told from every other one this host ever ran: pids are reused, but not with the same
// start time within one boot.
struct ProcessId {
  std::string boot_id;  // /proc/sys/kernel/random/boot_id
  pid_t pid = -1;
  uint64_t start_time = 0;  // clock ticks since boot, field 22 of /proc/PID/stat (proc(5))

  bool operator==(const ProcessId &) const = default;
};

// Which boot this is: a text that no other one has.
Result<std::string> BootId();

// Errc::kNotFound if no process has this pid.
Result<ProcessId> IdentifyProcess(pid_t pid);

// Does a thread of this very process still run? A zombie has none; but one whose main thread alone
// has ended looks like a zombie, and has. A process that cannot be judged counts as running, since
// the answer is used to give things away.
bool IsRunning(const ProcessId &process);

// It runs, but not its main thread, which in most programs is the one that answers.
bool HasLostItsMainThread(const ProcessId &process);

}  // namespace svirt
