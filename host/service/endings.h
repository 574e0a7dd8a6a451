// SPDX-License-Identifier: LGPL-2.1-or-later
// The end of domains: nothing of one lives any more, so its labels go back.
#pragma once

#include <chrono>
#include <vector>

#include "host/hypervisor/hypervisor.h"
#include "host/hypervisor/running_domain.h"
#include "host/labels/store/label_store.h"
#include "host/service/engines.h"
#include "host/service/machine.h"
#include "host/service/store/domain_store.h"
#include "host/util/process.h"
#include "host/util/result.h"

namespace svirt {

// Whoever ends or cleans up a domain holds its lock.
class Endings {
 public:
  Endings(Machine *machine, const Engines *engines) : machine_(machine), engines_(engines) {}

  // Has its process ended by itself? Needs no lock.
  Result<bool> HasEnded(const StoredDomain &stored) const;
  // Cleans up a domain that has ended, and one whose start was never finished: *stored does not run
  // afterwards, unless it does. patience: how long one whose start was not finished may take to say
  // whether it does.
  Status CleanUpIfEnded(StoredDomain *stored, std::chrono::milliseconds patience) const;
  // Ends it at once; labels stay while anything may run under them.
  Status EndAndCleanUp(Hypervisor &hypervisor, const RunningDomain &running) const;
  // Puts back what a domain that does not run has left.
  Status CleanUp(const Domain &domain) const;

  // What runs as the domain, be it as a damaged status still names it or as the registry knows it.
  // Needs no lock.
  Result<std::vector<ProcessId>> ProcessesOf(const StoredDomain &stored) const;
  static Status EndProcesses(const std::vector<ProcessId> &processes);

  // Of a domain whose status cannot be used: its end; what its end has left, Errc::kConflict while
  // something runs.
  Status DestroyDamaged(const StoredDomain &damaged) const;
  Status CleanUpDamaged(const StoredDomain &damaged) const;

  // Was its label kept for a hypervisor that has it no more? A boot takes the domains of a
  // hypervisor, and what was known of them in the run directory; their labels are still pinned.
  Result<bool> HasLeftHypervisor(const LabelOwner &owner) const;

 private:
  Status EndHalfStarted(StoredDomain *stored, std::chrono::milliseconds patience) const;
  Status CheckNothingRuns(const StoredDomain &damaged) const;

  Machine *machine_;
  const Engines *engines_;
};

}  // namespace svirt
