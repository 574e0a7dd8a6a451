// SPDX-License-Identifier: LGPL-2.1-or-later
// Start and destroy: the whole way from a definition to a running domain and back.
#include <utility>

#include "host/service/host.h"

namespace svirt {

Result<RunningDomain> Host::Start(const std::string &name_or_uuid) {
  SVIRT_ASSIGN(const StoredDomain found, store_.Find(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, store_.Lock(found.domain.uuid));
  SVIRT_ASSIGN(StoredDomain stored, FindLocked(found.domain.uuid));
  if (stored.running) {
    return Error{Errc::kExists, "domain '" + stored.domain.name + "' is running already"};
  }
  return StartLocked(std::move(stored.domain));
}

Result<RunningDomain> Host::StartLocked(Domain domain) {
  SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(domain));
  hypervisor->Complete(&domain);
  PinUsbDevices(&domain, hypervisor->Options());
  SVIRT_TRY(hypervisor->Check(domain));
  SVIRT_ASSIGN(Engine engine, EngineFor(domain, SecurityDrivers::Use::kStart));
  SVIRT_TRY(engine.Verify(domain));
  SVIRT_TRY(CheckPaths(domain));  // before anything is made where they lead
  const DomainPlace place = store_.PlaceOf(domain.uuid);
  SVIRT_TRY(hypervisor->Prepare(domain, place));
  SVIRT_ASSIGN(const Manifest manifest, FullManifest(domain));

  SVIRT_TRY(store_.MakeRunDirectory(domain.uuid));
  auto plan = engine.Apply(domain, manifest);
  if (!plan.ok()) {
    // Apply undoes itself; the directory is all that was made here.
    Status cleared = store_.ClearRunning(domain.uuid);
    return cleared.ok() ? std::move(plan).error() : std::move(cleared).error();
  }
  Report(plan->notes);
  RunningDomain recorded;
  recorded.domain = domain;
  const auto record = [&](const RunningDomain &running) {
    recorded = running;
    recorded.unlabelled = plan->unlabelled();
    return store_.SetRunning(domain.uuid, recorded);
  };
  const auto start = [&]() -> Result<RunningDomain> {
    SVIRT_TRY(CheckHostDevices(domain, hypervisor->Options(), manifest));
    return hypervisor->Start(domain, *plan, engine, place, record);
  };
  auto running = start();
  if (!running.ok()) {
    Error error = std::move(running).error();
    if (Status undone = EndAndCleanUp(*hypervisor, recorded); !undone.ok()) {
      error.message +=
          "; and what was changed for it could not be undone: " + undone.error().message;
    }
    return error;
  }
  if (running->id < 0) {
    WarnIfPermissive(domain, running->process.pid);
  }
  return running;
}

// Labels stay while anything may run under them.
Status Host::EndAndCleanUp(Hypervisor &hypervisor, const RunningDomain &running) {
  SVIRT_TRY(hypervisor.End(running));
  return CleanUp(running.domain);
}

Status Host::Destroy(const std::string &name_or_uuid) {
  SVIRT_ASSIGN(const StoredDomain found, store_.FindEvenDamaged(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, store_.Lock(found.domain.uuid));
  SVIRT_ASSIGN(const StoredDomain stored, store_.FindEvenDamaged(found.domain.uuid));
  if (stored.bad_status) {
    return DestroyDamaged(stored);
  }
  if (!stored.running) {
    return Error{Errc::kConflict, "domain '" + stored.domain.name + "' is not running"};
  }
  SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(stored.running->domain));
  return EndAndCleanUp(*hypervisor, *stored.running);
}

}  // namespace svirt
