// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts and destroys domains.
#include "host/service/lifecycle.h"

#include <utility>
#include <vector>

#include "host/domain/manifest.h"
#include "host/service/lost_confinement.h"
#include "host/service/lost_labels.h"
#include "host/service/plan_id.h"
#include "host/util/end_request.h"

namespace svirt {

// The registry knows what the run directory may have lost.
Status Lifecycle::CheckNotRunning(const StoredDomain &stored) const {
  const std::string &name = stored.domain.name;
  if (stored.running) {
    return Error{Errc::kExists, "domain '" + name + "' is running already"};
  }
  SVIRT_ASSIGN(const std::vector<ProcessId> processes, endings_->ProcessesOf(stored));
  if (!processes.empty()) {
    return Error{Errc::kExists, "process " + std::to_string(processes.front().pid) +
                                    " runs as domain '" + name +
                                    "' already; 'svirt destroy' ends it"};
  }
  return {};
}

Result<RunningDomain> Lifecycle::Start(const std::string &name_or_uuid,
                                       const std::string &plan_id) const {
  SVIRT_ASSIGN(const StoredDomain found, machine_->domains().Find(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(found.domain.uuid));
  SVIRT_ASSIGN(const StoredDomain stored, definitions_->FindLocked(found.domain.uuid));
  SVIRT_TRY(CheckNotRunning(stored));
  return StartLocked(stored.domain, plan_id);
}

Result<RunningDomain> Lifecycle::StartLocked(const Domain &defined,
                                             const std::string &plan_id) const {
  DomainStore &domains = machine_->domains();
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  Findings ready = preflight_->ForStart(defined, labels);
  if (ready.hypervisor == nullptr) {
    return machine_->HypervisorFor(defined).error();
  }
  SVIRT_TRY(ready.refusals.ToStatus());
  const Domain &domain = ready.domain;
  Hypervisor &hypervisor = *ready.hypervisor;
  Engine &engine = *ready.engine;
  if (!plan_id.empty()) {
    SVIRT_ASSIGN(const Plan now, engine.MakePlan(domain, *ready.manifest, ready.opened));
    SVIRT_TRY(CheckPlanId(plan_id, domain, now, ready.wall.Names()));
  }
  const DomainPlace place = domains.PlaceOf(domain.uuid);
  SVIRT_TRY(CheckNotAskedToEnd());
  SVIRT_TRY(hypervisor.Prepare(domain, place));
  SVIRT_TRY(domains.MakeRunDirectory(domain.uuid));
  auto plan = engine.Apply(domain, *ready.manifest, ready.opened);
  if (!plan.ok()) {
    // Apply undoes itself; the directory is all that was made here.
    Status cleared = domains.ClearRunning(domain.uuid);
    return cleared.ok() ? std::move(plan).error() : std::move(cleared).error();
  }
  machine_->Report(plan->notes);
  RunningDomain recorded;
  recorded.domain = domain;
  const auto record = [&](const RunningDomain &running) {
    recorded = running;
    recorded.unlabelled = plan->unlabelled();
    if (!running.starting) {
      recorded.enforced = LostConfinement(machine_, engines_).Enforced(running);
    }
    return domains.SetRunning(domain.uuid, recorded);
  };
  const auto start = [&]() -> Result<RunningDomain> {
    SVIRT_TRY(CheckHostDevices(domain, hypervisor.Options(), *ready.manifest));
    return hypervisor.Start(domain, *plan, engine, place, ready.wall, record);
  };
  auto running = start();
  if (!running.ok()) {
    Error error = std::move(running).error();
    if (Status undone = endings_->EndAndCleanUp(hypervisor, recorded); !undone.ok()) {
      error.message +=
          "; and what was changed for it could not be undone: " + undone.error().message;
    }
    return error;
  }
  if (running->id < 0) {
    inspection_->WarnIfPermissive(domain, running->process.pid);
  }
  return recorded;
}

Status Lifecycle::Destroy(const std::string &name_or_uuid) const {
  DomainStore &domains = machine_->domains();
  SVIRT_ASSIGN(const StoredDomain found, domains.FindEvenDamaged(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, domains.Lock(found.domain.uuid));
  SVIRT_ASSIGN(const StoredDomain stored, domains.Get(found.domain.uuid));
  if (stored.bad_status) {
    return endings_->DestroyDamaged(stored);
  }
  if (stored.running) {
    SVIRT_ASSIGN(Hypervisor *const hypervisor, machine_->HypervisorFor(stored.running->domain));
    SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
    const LostLabels lost_labels(machine_);
    SVIRT_ASSIGN(const bool is_lost, lost_labels.IsLost(labels, stored));
    if (is_lost) {
      return lost_labels.Describe(stored);  // nothing would give its objects their labels back
    }
    SVIRT_TRY(hypervisor->End(*stored.running));
  }
  SVIRT_ASSIGN(const std::vector<ProcessId> others, endings_->ProcessesOf(stored));
  if (!stored.running && others.empty()) {
    return Error{Errc::kConflict, "domain '" + stored.domain.name + "' is not running"};
  }
  SVIRT_TRY(endings_->EndProcesses(others));
  return endings_->CleanUp(stored.running ? stored.running->domain : stored.domain);
}

}  // namespace svirt
