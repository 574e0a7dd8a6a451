// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of a running domain: labels first on the way in, last on the way out.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "host/domain/device_change.h"
#include "host/domain/manifest.h"
#include "host/hypervisor/host.h"
#include "host/hypervisor/qemu/qemu_hotplug.h"

namespace svirt {
namespace {

// A guest may take long to let go of a device; one that never does is told.
constexpr std::chrono::seconds kUnplugTimeout{15};

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

Result<Manifest> Host::FullManifest(const Domain &domain) {
  SVIRT_ASSIGN(Manifest manifest, BuildManifest(domain, ManifestOptions{}));
  const QemuPlace place{store_.RunDirectory(domain.uuid), store_.LogFile(domain.uuid), 0};
  std::vector<Resource> own = QemuDriver::Resources(place);
  std::ranges::move(own, std::back_inserter(manifest.resources));
  return manifest;
}

Result<Host::LiveDomain> Host::OpenLive(const std::string &name_or_uuid) {
  LiveDomain live;
  SVIRT_ASSIGN(const StoredDomain found, store_.Find(name_or_uuid));
  SVIRT_ASSIGN(live.lock, store_.Lock(found.domain.uuid));
  SVIRT_ASSIGN(StoredDomain stored, Find(found.domain.uuid));
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
  SVIRT_TRY(qemu_.Check(next));
  SVIRT_ASSIGN(const QemuChange change, PlanQemuChange(now, next));
  SVIRT_ASSIGN(const QemuChange back, PlanQemuChange(next, now));
  if (change.add.empty() || !change.unplug.empty() || !change.remove.empty()) {
    return Error{Errc::kUnsupported,
                 file +
                     ": QEMU cannot be given this device while it runs: define the domain with "
                     "it and start it anew"};
  }
  SVIRT_ASSIGN(Engine engine, EngineFor(next));
  SVIRT_TRY(engine.Verify(next));
  next.seclabels = now.seclabels;
  const RunningDomain with_device{live.running.process, next};
  SVIRT_ASSIGN(QmpClient monitor,
               QemuDriver::Connect(store_.RunDirectory(now.uuid), live.running.process.pid));
  const auto attach = [&]() -> Status {
    SVIRT_TRY(Relabel(with_device));
    // Known before QEMU opens it, and until QEMU has closed it: what is in use keeps its label,
    // whatever fails or ends here.
    SVIRT_TRY(store_.SetRunning(next.uuid, with_device));
    return Plug(monitor, change);
  };
  const auto take_back = [&]() -> Status {
    SVIRT_TRY(Unplug(monitor, back, kUnplugTimeout));
    return SetRunningAndRelabel(live.running);
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
  SVIRT_ASSIGN(const QemuChange change, PlanQemuChange(now, next));
  if (change.unplug.empty() || !change.add.empty()) {
    return Error{Errc::kUnsupported,
                 file +
                     ": QEMU cannot lose this device while it runs: define the domain without "
                     "it and start it anew"};
  }
  next.seclabels = now.seclabels;
  SVIRT_ASSIGN(Engine engine, EngineFor(next));
  SVIRT_ASSIGN(const Manifest manifest, FullManifest(next));
  SVIRT_ASSIGN(const Plan plan, engine.PlanChange(next, live.running.process.pid, manifest));
  SVIRT_ASSIGN(QmpClient monitor,
               QemuDriver::Connect(store_.RunDirectory(now.uuid), live.running.process.pid));
  SVIRT_TRY(Unplug(monitor, change, kUnplugTimeout));
  return SetRunningAndRelabel({live.running.process, next});
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
  SVIRT_ASSIGN(const QemuChange change, PlanQemuChange(now, next.domain));
  SVIRT_ASSIGN(QmpClient monitor,
               QemuDriver::Connect(store_.RunDirectory(now.uuid), live.running.process.pid));
  if (!writable) {
    SVIRT_TRY(Reopen(monitor, change));  // fails while somebody writes
    return SetRunningAndRelabel(next);
  }
  const auto allow = [&]() -> Status {
    SVIRT_TRY(Relabel(next));
    SVIRT_TRY(store_.SetRunning(now.uuid, next));
    return Reopen(monitor, change);
  };
  Status allowed = allow();
  if (allowed.ok()) {
    return allowed;
  }
  Error error = std::move(allowed).error();
  if (Status undone = SetRunningAndRelabel(live.running); !undone.ok()) {
    error.message += "; and it could not be taken back: " + undone.error().message;
  }
  return error;
}

// Known before the labels go back: after a crash between the two, recovery finds an object that
// the domain does not use, not a disk in use without its label.
Status Host::SetRunningAndRelabel(const RunningDomain &running) {
  SVIRT_TRY(store_.SetRunning(running.domain.uuid, running));
  return Relabel(running);
}

Status Host::Relabel(const RunningDomain &running) {
  SVIRT_ASSIGN(Engine engine, EngineFor(running.domain));
  SVIRT_ASSIGN(const Manifest manifest, FullManifest(running.domain));
  SVIRT_ASSIGN(const Plan plan, engine.Change(running.domain, running.process.pid, manifest));
  return {};
}

}  // namespace svirt
