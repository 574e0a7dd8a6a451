// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of a running domain: labels first on the way in, last on the way out.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "host/domain/device_change.h"
#include "host/domain/domain_xml.h"
#include "host/domain/manifest.h"
#include "host/hypervisor/host.h"
#include "host/hypervisor/qemu/qemu_hotplug.h"

namespace svirt {
namespace {

// A guest may take long to let go of a device; one that never does is told.
constexpr std::chrono::seconds kUnplugTimeout{15};

const std::string *LabelOf(const Domain &domain, const std::string &model) {
  for (const SecLabel &seclabel : domain.seclabels) {
    if (seclabel.model == model) {
      return &seclabel.label;
    }
  }
  return nullptr;
}

}  // namespace

Result<Manifest> Host::FullManifest(const Domain &domain) {
  SVIRT_ASSIGN(Manifest manifest, BuildManifest(domain, ManifestOptions{}));
  const QemuPlace place{store_.RunDirectory(domain.uuid), store_.LogFile(domain.uuid), 0};
  std::vector<Resource> own = QemuDriver::Resources(place);
  std::ranges::move(own, std::back_inserter(manifest.resources));
  return manifest;
}

// The process keeps the label it runs under, so a model whose label stands for the resources
// themselves can give it no others.
Status Host::CheckSameLabels(const RunningDomain &running, const Domain &next,
                             const Manifest &manifest, Engine &engine) {
  SVIRT_ASSIGN(const Plan plan, engine.MakePlan(next, manifest));
  for (const PlanItem &item : plan.items) {
    if (!item.conflict.empty()) {
      return Error{Errc::kConflict, item.conflict};
    }
  }
  for (const ModelLabels &labels : plan.models) {
    const std::string *label = LabelOf(running.domain, labels.model);
    if (label == nullptr || *label != labels.seclabel.label) {
      return Error{Errc::kUnsupported,
                   "model " + labels.model + " cannot change what domain '" + next.name +
                       "' may use while it runs: define it with the change and start it anew"};
    }
  }
  return {};
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
  SVIRT_ASSIGN(LiveDomain live, OpenLive(name_or_uuid));
  Domain &now = live.running.domain;
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
  SVIRT_ASSIGN(const Manifest manifest, FullManifest(next));
  SVIRT_TRY(CheckSameLabels(live.running, next, manifest, engine));
  SVIRT_ASSIGN(QmpClient monitor,
               QemuDriver::Connect(store_.RunDirectory(now.uuid), live.running.process.pid));
  SVIRT_ASSIGN(const Plan plan, engine.Apply(next, manifest));
  next.seclabels = now.seclabels;
  // Known before QEMU opens it, and until QEMU has closed it: what is in use keeps its label,
  // whatever fails or ends here.
  Status plugged = store_.SetRunning(next.uuid, {live.running.process, next});
  if (plugged.ok()) {
    plugged = Plug(monitor, change);
  }
  if (plugged.ok()) {
    return {};
  }
  Error error = std::move(plugged).error();
  const auto take_back = [&]() -> Status {
    SVIRT_TRY(Unplug(monitor, back, kUnplugTimeout));
    SVIRT_TRY(store_.SetRunning(now.uuid, live.running));
    return Relabel(now);
  };
  if (Status undone = take_back(); !undone.ok()) {
    error.message +=
        "; and it could not be taken back (detach-device does that): " + undone.error().message;
  }
  return error;
}

Status Host::DetachDevice(const std::string &name_or_uuid, std::string_view xml,
                          const std::string &file) {
  SVIRT_ASSIGN(LiveDomain live, OpenLive(name_or_uuid));
  Domain &now = live.running.domain;
  SVIRT_ASSIGN(Domain next, WithoutDevice(now, xml, file));
  SVIRT_ASSIGN(const QemuChange change, PlanQemuChange(now, next));
  if (change.unplug.empty() || !change.add.empty()) {
    return Error{Errc::kUnsupported,
                 file +
                     ": QEMU cannot lose this device while it runs: define the domain without "
                     "it and start it anew"};
  }
  SVIRT_ASSIGN(Engine engine, EngineFor(next));
  SVIRT_ASSIGN(const Manifest manifest, FullManifest(next));
  SVIRT_TRY(CheckSameLabels(live.running, next, manifest, engine));
  SVIRT_ASSIGN(QmpClient monitor,
               QemuDriver::Connect(store_.RunDirectory(now.uuid), live.running.process.pid));
  SVIRT_TRY(Unplug(monitor, change, kUnplugTimeout));
  next.seclabels = now.seclabels;
  // Known before the labels go back: after a crash between the two, recovery finds an object that
  // the domain does not use, not a disk in use without its label.
  SVIRT_TRY(store_.SetRunning(next.uuid, {live.running.process, next}));
  return Relabel(next);
}

Status Host::Relabel(const Domain &running) {
  Domain domain = running;
  SVIRT_ASSIGN(const Domain defined, ParseDomainXml(FormatDomainXml(running, true), running.name));
  domain.seclabels = defined.seclabels;
  SVIRT_ASSIGN(Engine engine, EngineFor(domain));
  SVIRT_ASSIGN(const Manifest manifest, FullManifest(domain));
  SVIRT_ASSIGN(const Plan plan, engine.Apply(domain, manifest));
  return {};
}

}  // namespace svirt
