// SPDX-License-Identifier: LGPL-2.1-or-later
// Connects a confined program with its caller's terminal or files.
#pragma once

#include <csignal>
#include <vector>

#include "host/launch/launch.h"
#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// Standard input, output and error of a child through pipes, so that a confined program holds
// none of its caller's files: it could read, relabel or, on a terminal, type into them.
class Relay {
 public:
  // Makes the pipes.
  static Result<Relay> Open();

  // What the child is to inherit. Valid until Pump.
  std::vector<LaunchSpec::InheritFd> child_fds() const;

  // Copies until the child has ended and its output is drained. Passes on SIGINT, SIGTERM and
  // SIGHUP that reach this process; they must be blocked in every thread (see BlockedSignals).
  Status Pump(const Child &child) &&;

 private:
  Relay() = default;
  Fd stdin_read_, stdin_write_, stdout_read_, stdout_write_, stderr_read_, stderr_write_;
};

// Blocks the signals that Pump takes, for this thread, while it lives.
class BlockedSignals {
 public:
  BlockedSignals();
  ~BlockedSignals();
  BlockedSignals(const BlockedSignals &) = delete;
  BlockedSignals &operator=(const BlockedSignals &) = delete;

 private:
  sigset_t before_;
};

}  // namespace svirt
