// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of a running domain: labels first on the way in, last on the way out.
#include <algorithm>
#include <memory>
#include <utility>

#include "host/domain/device_change.h"
#include "host/service/host.h"

namespace svirt {
namespace {

bool HasBackingImage(const Domain &domain, const std::string &path) {
  for (const Disk &disk : domain.disks) {
    for (size_t depth = 1; depth < disk.chain.size(); ++depth) {
      if (disk.chain[depth].path == path) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

Result<Host::LiveDomain> Host::OpenLive(const std::string &name_or_uuid) {
  LiveDomain live;
  SVIRT_ASSIGN(const StoredDomain found, store_.Find(name_or_uuid));
  SVIRT_ASSIGN(live.lock, store_.Lock(found.domain.uuid));
  SVIRT_ASSIGN(StoredDomain stored, FindLocked(found.domain.uuid));
  if (!stored.running) {
    return Error{Errc::kConflict, "domain '" + stored.domain.name +
                                      "' is not running; 'svirt edit' changes its definition"};
  }
  live.running = std::move(*stored.running);
  return live;
}

// Labels are there before the emulator opens anything, and go back if it refuses.
Status Host::AttachDevice(const std::string &name_or_uuid, std::string_view xml,
                          const std::string &file) {
  SVIRT_ASSIGN(const LiveDomain live, OpenLive(name_or_uuid));
  const Domain &now = live.running.domain;
  SVIRT_ASSIGN(Domain next, WithDevice(now, xml, file));
  SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(now));
  PinUsbDevices(&next, hypervisor->Options());
  SVIRT_TRY(hypervisor->Check(next));
  SVIRT_ASSIGN(const std::unique_ptr<LiveChange> change,
               hypervisor->PlanChange(live.running, next, store_.PlaceOf(now.uuid)));
  if (!change->IsAttach()) {
    return Error{Errc::kUnsupported,
                 file +
                     ": a domain cannot be given this device while it runs: define it with the "
                     "device and start it anew"};
  }
  SVIRT_ASSIGN(Engine engine, EngineForRunning(now));
  SVIRT_TRY(engine.Verify(next));
  next.seclabels = now.seclabels;
  RunningDomain with_device = live.running;
  with_device.domain = next;
  SVIRT_TRY(change->Connect());
  const Manifest known = KnownTo(now);
  const auto attach = [&]() -> Status {
    SVIRT_ASSIGN(const Manifest manifest, FullManifest(next));
    SVIRT_TRY(Relabel(&with_device, manifest, known));
    SVIRT_TRY(CheckHostDevices(next, hypervisor->Options(), manifest));
    // Known before the domain opens it, and until it has closed it: what is in use keeps its
    // label, whatever fails or ends here.
    SVIRT_TRY(store_.SetRunning(next.uuid, with_device));
    return change->Attach();
  };
  const auto take_back = [&]() -> Status {
    SVIRT_TRY(change->TakeBack());
    return SetRunningAndRelabel(live.running, known);
  };
  Status attached = attach();
  if (attached.ok()) {
    return attached;
  }
  Error error = std::move(attached).error();
  if (Status undone = take_back(); !undone.ok()) {
    error.message +=
        "; and it could not be taken back (detach-device does that): " + undone.error().message;
  }
  return error;
}

Status Host::DetachDevice(const std::string &name_or_uuid, std::string_view xml,
                          const std::string &file) {
  SVIRT_ASSIGN(const LiveDomain live, OpenLive(name_or_uuid));
  const Domain &now = live.running.domain;
  SVIRT_ASSIGN(Domain next, WithoutDevice(now, xml, file));
  SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(now));
  SVIRT_ASSIGN(const std::unique_ptr<LiveChange> change,
               hypervisor->PlanChange(live.running, next, store_.PlaceOf(now.uuid)));
  if (!change->IsDetach()) {
    return Error{Errc::kUnsupported,
                 file +
                     ": a domain cannot lose this device while it runs: define it without the "
                     "device and start it anew"};
  }
  next.seclabels = now.seclabels;
  SVIRT_ASSIGN(Engine engine, EngineForRunning(now));
  SVIRT_ASSIGN(const Manifest manifest, FullManifest(next));
  const Manifest known = KnownTo(now);
  SVIRT_ASSIGN(const Plan plan, engine.PlanChange(next, live.running.process.pid, manifest, known));
  SVIRT_TRY(change->Connect());
  SVIRT_TRY(change->Detach());
  RunningDomain without_device = live.running;
  without_device.domain = std::move(next);
  return SetRunningAndRelabel(without_device, known);
}

Status Host::SetAccess(const std::string &name_or_uuid, const std::string &path, bool writable) {
  SVIRT_ASSIGN(const LiveDomain live, OpenLive(name_or_uuid));
  const Domain &now = live.running.domain;
  if (!HasBackingImage(now, path)) {
    return Error{Errc::kNotFound, "domain '" + now.name + "' has no backing image " + path +
                                      "; what a disk's own image allows its XML says"};
  }
  RunningDomain next = live.running;
  std::erase(next.domain.writable_backing, path);
  if (writable) {
    next.domain.writable_backing.push_back(path);
  }
  SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(now));
  SVIRT_ASSIGN(const std::unique_ptr<LiveChange> change,
               hypervisor->PlanChange(live.running, next.domain, store_.PlaceOf(now.uuid)));
  SVIRT_TRY(change->Connect());
  const Manifest known = KnownTo(now);
  if (!writable) {
    SVIRT_TRY(change->Reopen());  // fails while somebody writes
    return SetRunningAndRelabel(next, known);
  }
  const auto allow = [&]() -> Status {
    SVIRT_TRY(Relabel(&next, known));
    SVIRT_TRY(store_.SetRunning(now.uuid, next));
    return change->Reopen();
  };
  Status allowed = allow();
  if (allowed.ok()) {
    return allowed;
  }
  Error error = std::move(allowed).error();
  if (Status undone = SetRunningAndRelabel(live.running, known); !undone.ok()) {
    error.message += "; and it could not be taken back: " + undone.error().message;
  }
  return error;
}

// Known before the labels go back: after a crash between the two, recovery finds an object that
// the domain does not use, not a disk in use without its label.
Status Host::SetRunningAndRelabel(RunningDomain running, const Manifest &known) {
  SVIRT_TRY(store_.SetRunning(running.domain.uuid, running));
  const std::vector<std::string> before = running.unlabelled;
  SVIRT_TRY(Relabel(&running, known));
  return running.unlabelled == before ? Status() : store_.SetRunning(running.domain.uuid, running);
}

// A device that is gone by itself is in no manifest.
Manifest Host::KnownTo(const Domain &domain) const {
  auto manifest = FullManifest(domain);
  return manifest.ok() ? std::move(*manifest) : Manifest{};
}

Status Host::Relabel(RunningDomain *running, const Manifest &known) {
  SVIRT_ASSIGN(const Manifest manifest, FullManifest(running->domain));
  return Relabel(running, manifest, known);
}

Status Host::Relabel(RunningDomain *running, const Manifest &manifest, const Manifest &known) {
  SVIRT_ASSIGN(Engine engine, EngineForRunning(running->domain));
  SVIRT_ASSIGN(const Plan plan,
               engine.Change(running->domain, running->process.pid, manifest, known));
  running->unlabelled = plan.unlabelled();
  Report(plan.notes);
  return {};
}

}  // namespace svirt
