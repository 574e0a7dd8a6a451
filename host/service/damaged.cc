// SPDX-License-Identifier: LGPL-2.1-or-later
// The end of domains whose status cannot be used. What runs as them the label registry knows.
#include <algorithm>
#include <utility>

#include "host/launch/end_process.h"
#include "host/service/host.h"

namespace svirt {

Result<std::vector<ProcessId>> Host::ProcessesOf(const StoredDomain &damaged) {
  SVIRT_ASSIGN(LabelStore * labels, Store());
  SVIRT_ASSIGN(std::optional<OwnerState> owner, labels->Describe(damaged.domain.uuid));
  std::vector<ProcessId> processes;
  if (owner) {
    processes = std::move(owner->processes);
  }
  if (const auto &named = damaged.named_process;
      named && IsRunning(*named) && std::ranges::find(processes, *named) == processes.end()) {
    processes.push_back(*named);
  }
  return processes;
}

Status Host::CheckNothingRuns(const StoredDomain &damaged) {
  SVIRT_ASSIGN(const std::vector<ProcessId> processes, ProcessesOf(damaged));
  if (!processes.empty()) {
    return Error{Errc::kConflict, "process " + std::to_string(processes.front().pid) +
                                      " runs as domain " + damaged.domain.uuid +
                                      "; 'svirt destroy' ends it first"};
  }
  SVIRT_ASSIGN(LabelStore * labels, Store());
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, labels->Describe(damaged.domain.uuid));
  if (!owner || !owner->in_hypervisor) {
    return {};
  }
  SVIRT_ASSIGN(const bool is_gone, HasLeftHypervisor(owner->owner));
  return is_gone ? Status()
                 : Error{Errc::kConflict, "the hypervisor still has domain " + damaged.domain.uuid +
                                              ", and the number that it has there cannot be read "
                                              "from its status: end it with the hypervisor's tool"};
}

Status Host::CleanUpDamaged(const StoredDomain &damaged) {
  SVIRT_TRY(CheckNothingRuns(damaged));
  Domain domain = damaged.domain;
  SVIRT_ASSIGN(LabelStore * labels, Store());
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, labels->Describe(domain.uuid));
  if (owner) {
    domain.type = owner->owner.virt_type;
  }
  return CleanUp(domain);
}

Status Host::DestroyDamaged(const StoredDomain &damaged) {
  SVIRT_ASSIGN(const std::vector<ProcessId> processes, ProcessesOf(damaged));
  for (const ProcessId &process : processes) {
    SVIRT_TRY(EndProcess(process));
  }
  return CleanUpDamaged(damaged);
}

}  // namespace svirt
