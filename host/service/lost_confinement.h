// SPDX-License-Identifier: LGPL-2.1-or-later
// Notices that what runs is not confined any more as it was when it was started.
#pragma once

#include <string>
#include <vector>

#include "host/hypervisor/running_domain.h"
#include "host/labels/plan/mismatch.h"
#include "host/service/engines.h"
#include "host/service/machine.h"
#include "host/util/result.h"

namespace svirt {

// Each model is asked for the label of each process of the domain, and whether it enforces its
// policy on it: a policy that was removed or replaced leaves processes without it, and a model may
// be made permissive. Models that cannot be asked take nothing from a process.
class LostConfinement {
 public:
  // Whose label is asked for: a process has that of its main thread, unless a thread has taken
  // another one by itself.
  enum class Depth { kProcesses, kThreads };

  LostConfinement(Machine *machine, const Engines *engines)
      : machine_(machine), engines_(engines) {}

  // What is not as it was at the start. Whoever wants to be sure that nobody starts a program in
  // the domain meanwhile holds its lock.
  Result<std::vector<Mismatch>> Find(const RunningDomain &running, Depth depth) const;
  // Errc::kRefused with the first of them.
  Status Check(const RunningDomain &running) const;

  // The models that enforce their policy on the domain now, to be remembered from its start.
  std::vector<std::string> Enforced(const RunningDomain &running) const;

 private:
  Machine *machine_;
  const Engines *engines_;
};

}  // namespace svirt
