// SPDX-License-Identifier: LGPL-2.1-or-later
// Gives a running domain devices and takes them from it, with their labels.
#include "host/service/devices.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "host/domain/device_change.h"
#include "host/domain/manifest.h"
#include "host/service/domain_manifest.h"
#include "host/service/lost_confinement.h"

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

Result<Devices::LiveDomain> Devices::Open(const std::string &name_or_uuid) const {
  LiveDomain live;
  SVIRT_ASSIGN(const StoredDomain found, machine_->domains().Find(name_or_uuid));
  SVIRT_ASSIGN(live.lock, machine_->domains().Lock(found.domain.uuid));
  SVIRT_ASSIGN(StoredDomain stored, definitions_->FindLocked(found.domain.uuid));
  if (!stored.running) {
    return Error{Errc::kConflict, "domain '" + stored.domain.name +
                                      "' is not running; 'svirt edit' changes its definition"};
  }
  live.running = std::move(*stored.running);
  return live;
}

// Labels are there before the emulator opens anything, and go back if it refuses.
Status Devices::Attach(const std::string &name_or_uuid, std::string_view xml,
                       const std::string &file) const {
  SVIRT_ASSIGN(const LiveDomain live, Open(name_or_uuid));
  const Domain &now = live.running.domain;
  SVIRT_TRY(LostConfinement(machine_, engines_).Check(live.running));
  SVIRT_ASSIGN(const Domain given, WithDevice(now, xml, file));
  SVIRT_ASSIGN(Engine engine, engines_->ForRunning(now));
  Findings ready = preflight_->ForChange(now, given, &engine);
  SVIRT_TRY(ready.refusals.ToStatus());
  Domain &next = ready.domain;
  SVIRT_ASSIGN(
      const std::unique_ptr<LiveChange> change,
      ready.hypervisor->PlanChange(live.running, next, machine_->domains().PlaceOf(now.uuid)));
  if (!change->IsAttach()) {
    return Error{Errc::kUnsupported,
                 file +
                     ": a domain cannot be given this device while it runs: define it with the "
                     "device and start it anew"};
  }
  next.seclabels = now.seclabels;
  RunningDomain with_device = live.running;
  with_device.domain = next;
  SVIRT_TRY(change->Connect());
  const Manifest known = MakeKnownManifest(*machine_, now);
  const auto attach = [&]() -> Status {
    SVIRT_TRY(Relabel(&with_device, *ready.manifest, known));
    SVIRT_TRY(CheckHostDevices(next, ready.hypervisor->Options(), *ready.manifest));
    // Known before the domain opens it, and until it has closed it: what is in use keeps its
    // label, whatever fails or ends here.
    SVIRT_TRY(machine_->domains().SetRunning(next.uuid, with_device));
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

Status Devices::Detach(const std::string &name_or_uuid, std::string_view xml,
                       const std::string &file) const {
  SVIRT_ASSIGN(const LiveDomain live, Open(name_or_uuid));
  const Domain &now = live.running.domain;
  SVIRT_ASSIGN(Domain next, WithoutDevice(now, xml, file));
  SVIRT_ASSIGN(Hypervisor *const hypervisor, machine_->HypervisorFor(now));
  SVIRT_ASSIGN(const std::unique_ptr<LiveChange> change,
               hypervisor->PlanChange(live.running, next, machine_->domains().PlaceOf(now.uuid)));
  if (!change->IsDetach()) {
    return Error{Errc::kUnsupported,
                 file +
                     ": a domain cannot lose this device while it runs: define it without the "
                     "device and start it anew"};
  }
  next.seclabels = now.seclabels;
  SVIRT_ASSIGN(Engine engine, engines_->ForRunning(now));
  SVIRT_ASSIGN(const Manifest manifest, MakeManifest(*machine_, next));
  const Manifest known = MakeKnownManifest(*machine_, now);
  SVIRT_ASSIGN(const Plan plan, engine.PlanChange(next, live.running.process.pid, manifest, known));
  SVIRT_TRY(change->Connect());
  SVIRT_TRY(change->Detach());
  RunningDomain without_device = live.running;
  without_device.domain = std::move(next);
  return SetRunningAndRelabel(without_device, known);
}

Status Devices::SetAccess(const std::string &name_or_uuid, const std::string &path,
                          bool writable) const {
  SVIRT_ASSIGN(const LiveDomain live, Open(name_or_uuid));
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
  SVIRT_ASSIGN(Hypervisor *const hypervisor, machine_->HypervisorFor(now));
  SVIRT_ASSIGN(
      const std::unique_ptr<LiveChange> change,
      hypervisor->PlanChange(live.running, next.domain, machine_->domains().PlaceOf(now.uuid)));
  SVIRT_TRY(change->Connect());
  const Manifest known = MakeKnownManifest(*machine_, now);
  if (!writable) {
    SVIRT_TRY(change->Reopen());  // fails while somebody writes
    return SetRunningAndRelabel(next, known);
  }
  const auto allow = [&]() -> Status {
    SVIRT_TRY(Relabel(&next, known));
    SVIRT_TRY(machine_->domains().SetRunning(now.uuid, next));
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
Status Devices::SetRunningAndRelabel(RunningDomain running, const Manifest &known) const {
  SVIRT_TRY(machine_->domains().SetRunning(running.domain.uuid, running));
  const std::vector<std::string> before = running.unlabelled;
  SVIRT_TRY(Relabel(&running, known));
  return running.unlabelled == before
             ? Status()
             : machine_->domains().SetRunning(running.domain.uuid, running);
}

Status Devices::Relabel(RunningDomain *running, const Manifest &known) const {
  SVIRT_ASSIGN(const Manifest manifest, MakeManifest(*machine_, running->domain));
  return Relabel(running, manifest, known);
}

Status Devices::Relabel(RunningDomain *running, const Manifest &manifest,
                        const Manifest &known) const {
  SVIRT_ASSIGN(Engine engine, engines_->ForRunning(running->domain));
  SVIRT_ASSIGN(const Plan plan,
               engine.Change(running->domain, running->process.pid, manifest, known));
  running->unlabelled = plan.unlabelled();
  machine_->Report(plan.notes);
  return {};
}

}  // namespace svirt
