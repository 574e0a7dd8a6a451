// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds out what of a domain still lives, ends it, and puts its labels back.
#include "host/service/endings.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "host/launch/end_process.h"
#include "host/service/lost_confinement.h"

namespace svirt {

Result<bool> Endings::HasEnded(const StoredDomain &stored) const {
  if (!stored.running) {
    return false;
  }
  SVIRT_ASSIGN(Hypervisor *const hypervisor, machine_->HypervisorFor(stored.running->domain));
  SVIRT_ASSIGN(const bool alive, hypervisor->IsAlive(*stored.running));
  return !alive;
}

// Who was to start it has ended, or the lock would not be free. A guest that runs had been let go,
// so all that comes before is done; one that was not is of no use to anybody.
Status Endings::EndHalfStarted(StoredDomain *stored, std::chrono::milliseconds patience) const {
  RunningDomain &running = *stored->running;
  SVIRT_ASSIGN(Hypervisor *const hypervisor, machine_->HypervisorFor(running.domain));
  const auto state =
      hypervisor->State(running, machine_->domains().PlaceOf(stored->domain.uuid), patience);
  if (state.ok() && *state == DomainState::kRunning) {
    running.starting = false;
    running.enforced = LostConfinement(machine_, engines_).Enforced(running);
    return machine_->domains().SetRunning(stored->domain.uuid, running);
  }
  // Its monitor is gone, or does not answer: nobody has been told that it runs.
  const bool is_silent = !state.ok() && (state.error().code == Errc::kNotFound ||
                                         state.error().code == Errc::kTimeout);
  if (!state.ok() && !is_silent) {
    return state.error();
  }
  SVIRT_TRY(EndAndCleanUp(*hypervisor, running));
  stored->running.reset();
  return {};
}

Status Endings::CleanUpIfEnded(StoredDomain *stored, std::chrono::milliseconds patience) const {
  SVIRT_ASSIGN(const bool ended, HasEnded(*stored));
  if (ended) {
    SVIRT_ASSIGN(Hypervisor *const hypervisor, machine_->HypervisorFor(stored->running->domain));
    SVIRT_TRY(EndAndCleanUp(*hypervisor, *stored->running));
    stored->running.reset();
  }
  return stored->running && stored->running->starting ? EndHalfStarted(stored, patience) : Status();
}

Status Endings::EndAndCleanUp(Hypervisor &hypervisor, const RunningDomain &running) const {
  SVIRT_TRY(hypervisor.End(running));
  return CleanUp(running.domain);
}

Status Endings::CleanUp(const Domain &domain) const {
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, machine_->OwnerOf(domain.uuid));
  if (owner) {  // what holds no label needs no driver
    SVIRT_ASSIGN(Engine engine, engines_->ToUndo(domain.uuid, domain.type));
    SVIRT_TRY(machine_->Reporting([&](auto *notes) { return engine.Restore(domain.uuid, notes); }));
  }
  return machine_->domains().ClearRunning(domain.uuid);
}

Result<std::vector<ProcessId>> Endings::ProcessesOf(const StoredDomain &stored) const {
  SVIRT_ASSIGN(std::optional<OwnerState> owner, machine_->OwnerOf(stored.domain.uuid));
  std::vector<ProcessId> processes;
  if (owner) {
    processes = std::move(owner->processes);
  }
  if (const auto &named = stored.named_process;
      named && IsRunning(*named) && std::ranges::find(processes, *named) == processes.end()) {
    processes.push_back(*named);
  }
  return processes;
}

Status Endings::EndProcesses(const std::vector<ProcessId> &processes) {
  for (const ProcessId &process : processes) {
    SVIRT_TRY(EndProcess(process));
  }
  return {};
}

Status Endings::CheckNothingRuns(const StoredDomain &damaged) const {
  SVIRT_ASSIGN(const std::vector<ProcessId> processes, ProcessesOf(damaged));
  if (!processes.empty()) {
    return Error{Errc::kConflict, "process " + std::to_string(processes.front().pid) +
                                      " runs as domain " + damaged.domain.uuid +
                                      "; 'svirt destroy' ends it first"};
  }
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, machine_->OwnerOf(damaged.domain.uuid));
  if (!owner || !owner->in_hypervisor) {
    return {};
  }
  SVIRT_ASSIGN(const bool is_gone, HasLeftHypervisor(owner->owner));
  return is_gone ? Status()
                 : Error{Errc::kConflict, "the hypervisor still has domain " + damaged.domain.uuid +
                                              ", and the number that it has there cannot be read "
                                              "from its status: end it with the hypervisor's tool"};
}

Status Endings::CleanUpDamaged(const StoredDomain &damaged) const {
  SVIRT_TRY(CheckNothingRuns(damaged));
  Domain domain = damaged.domain;
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, machine_->OwnerOf(domain.uuid));
  if (owner) {
    domain.type = owner->owner.virt_type;
  }
  return CleanUp(domain);
}

Status Endings::DestroyDamaged(const StoredDomain &damaged) const {
  SVIRT_ASSIGN(const std::vector<ProcessId> processes, ProcessesOf(damaged));
  SVIRT_TRY(EndProcesses(processes));
  return CleanUpDamaged(damaged);
}

Result<bool> Endings::HasLeftHypervisor(const LabelOwner &owner) const {
  SVIRT_ASSIGN(const std::optional<OwnerState> now, machine_->OwnerOf(owner.uuid));
  if (!now || !now->in_hypervisor || !now->processes.empty()) {
    return false;
  }
  Domain domain;
  domain.type = owner.virt_type;
  SVIRT_ASSIGN(Hypervisor *const hypervisor, machine_->HypervisorFor(domain));
  SVIRT_ASSIGN(const bool there, hypervisor->Has(owner.uuid));
  return !there;
}

}  // namespace svirt
