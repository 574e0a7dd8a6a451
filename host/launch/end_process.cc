// SPDX-License-Identifier: LGPL-2.1-or-later
// The end of a process that is nobody's child here.
#include "host/launch/end_process.h"

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include "host/util/pidfd.h"

namespace svirt {
Result<Fd> HoldProcess(const ProcessId &process) {
  if (process.pid < 0) {
    return Fd();
  }
  Fd pidfd = PidfdOpen(process.pid);
  if (!pidfd && errno != ESRCH) {
    return SystemError(errno, "cannot get hold of process " + std::to_string(process.pid));
  }
  // Only now: before, another could have taken its pid meanwhile.
  return pidfd && IsRunning(process) ? std::move(pidfd) : Fd();
}

Status EndProcess(const ProcessId &process) {
  SVIRT_ASSIGN(const Fd pidfd, HoldProcess(process));
  if (!pidfd) {
    return {};
  }
  if (!PidfdSignal(pidfd, SIGKILL) && errno != ESRCH) {
    return SystemError(errno, "cannot end process " + std::to_string(process.pid));
  }
  if (!PidfdEndsWithin(pidfd, kEndTimeout)) {
    return Error{Errc::kSystem, "process " + std::to_string(process.pid) +
                                    " does not end although it was killed; its labels stay until "
                                    "it does: try 'svirt destroy' again later"};
  }
  return {};
}

}  // namespace svirt
