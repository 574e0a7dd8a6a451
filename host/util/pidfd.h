// SPDX-License-Identifier: LGPL-2.1-or-later
// Descriptors of processes: opening, signalling and waiting.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>

#include "host/util/fd.h"
#include "host/util/poll.h"

namespace svirt {

// Debian 12's <sys/pidfd.h> cannot be used from C++; these are its functions. Both set errno.

// Close-on-exec; empty on failure. See pidfd_open(2).
inline Fd PidfdOpen(pid_t pid) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
}

// See pidfd_send_signal(2).
inline bool PidfdSignal(const Fd &pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0U) == 0;
}

// Does the process end within this time, or has it ended?
inline bool PidfdEndsWithin(const Fd &pidfd, std::chrono::milliseconds time) {
  pollfd item = {pidfd.get(), POLLIN, 0};
  return PollUntil(&item, 1, std::chrono::steady_clock::now() + time) > 0;
}

}  // namespace svirt
