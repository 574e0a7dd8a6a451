// SPDX-License-Identifier: LGPL-2.1-or-later
// What the host remembers of a domain that runs, as plain data.
#pragma once

#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/util/process.h"

namespace svirt {

// A started domain; it outlives the command that started it.
struct RunningDomain {
  // Its process; or, where a hypervisor keeps domains by a number, the process that starts it.
  ProcessId process;
  Domain domain;  // as it was started, with the labels it was given
  // Number by the hypervisor. -1: it is a process of this kernel, or is being started.
  int id = -1;
  // Process 1 of the namespace that it runs in; pid -1 if it has none of its own.
  ProcessId keeper = {};
  // What its processes are kept apart by, whatever its model (WallItemName).
  std::vector<std::string> wall = {};
  // Its process is there, but nobody has let the guest go yet. Whoever does holds the domain's
  // lock.
  bool starting = false;
  // The models that enforced their policy on it when the guest was let go.
  std::vector<std::string> enforced = {};
  // Paths of what is its alone without bearing its label (allow_unlabelled).
  std::vector<std::string> unlabelled = {};
};

// With its end everything of the domain has ended.
inline const ProcessId &LastOf(const RunningDomain &running) {
  return running.keeper.pid > 0 ? running.keeper : running.process;
}

enum class DomainState { kShutOff, kRunning, kPaused };

// What a domain has in the file system of its own while it runs.
struct DomainPlace {
  std::string run_dir;   // 0700 or stricter to outsiders
  std::string log_path;  // its output goes here, appended
};

}  // namespace svirt
