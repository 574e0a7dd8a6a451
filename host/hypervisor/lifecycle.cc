// SPDX-License-Identifier: LGPL-2.1-or-later
// Start and destroy: the whole way from a definition to a running domain and back.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "host/hypervisor/host.h"
#include "host/launch/launch.h"
#include "host/util/pidfd.h"

namespace svirt {
namespace {

// How long a killed process may take to be gone; a process in an uninterruptible wait can take
// long, and its labels are not given away before.
constexpr int kEndTimeoutMs = 15000;

// How long QEMU may take until its monitor answers; under TCG on a loaded host that is seconds.
constexpr std::chrono::seconds kMonitorTimeout{60};

Result<Fd> OpenLog(QemuPlace *place) {
  const char *path = place->log_path.c_str();
  Fd fd(::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) {
    return SystemError(errno, "cannot open the log " + place->log_path);
  }
  place->log_start = st.st_size;
  return fd;
}

// The process need not be a child of this one.
Status EndProcess(const ProcessId &process) {
  const Fd pidfd = PidfdOpen(process.pid);
  // Checked after the descriptor pins the pid, so that no other process can be meant.
  if (!pidfd || !IsRunning(process)) {
    return {};
  }
  if (!PidfdSignal(pidfd, SIGKILL) && errno != ESRCH) {
    return SystemError(errno, "cannot end process " + std::to_string(process.pid));
  }
  pollfd poll_fd{pidfd.get(), POLLIN, 0};
  if (::poll(&poll_fd, 1, kEndTimeoutMs) != 1) {
    return Error{Errc::kSystem, "process " + std::to_string(process.pid) +
                                    " does not end although it was killed; its labels stay until "
                                    "it does: try 'svirt destroy' again later"};
  }
  return {};
}

}  // namespace

Result<RunningDomain> Host::Start(const std::string &name_or_uuid) {
  SVIRT_ASSIGN(const StoredDomain found, store_.Find(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, store_.Lock(found.domain.uuid));
  SVIRT_ASSIGN(StoredDomain stored, Find(found.domain.uuid));
  if (stored.running) {
    return Error{Errc::kExists, "domain '" + stored.domain.name + "' is running already"};
  }
  return StartLocked(std::move(stored.domain));
}

Result<RunningDomain> Host::StartLocked(Domain domain) {
  if (domain.emulator.empty()) {
    domain.emulator = QemuDriver::DefaultEmulator(domain);
  }
  SVIRT_TRY(qemu_.Check(domain));
  SVIRT_ASSIGN(Engine engine, EngineFor(domain));
  SVIRT_TRY(engine.Verify(domain));
  SVIRT_TRY(qemu_.Prepare(domain));
  SVIRT_ASSIGN(const Manifest manifest, FullManifest(domain));

  QemuPlace place{store_.RunDirectory(domain.uuid), store_.LogFile(domain.uuid), 0};
  SVIRT_ASSIGN(const Fd log, OpenLog(&place));

  SVIRT_TRY(store_.MakeRunDirectory(domain.uuid));
  auto plan = engine.Apply(domain, manifest);
  if (!plan.ok()) {
    // Apply undoes itself; the directory is all that was made here.
    Status cleared = store_.ClearRunning(domain.uuid);
    return cleared.ok() ? std::move(plan).error() : std::move(cleared).error();
  }
  auto running = Boot(domain, *plan, engine, place, log);
  if (!running.ok()) {
    Error error = std::move(running).error();
    if (Status undone = CleanUp(domain); !undone.ok()) {
      error.message +=
          "; and what was changed for it could not be undone: " + undone.error().message;
    }
    return error;
  }
  return running;
}

Result<RunningDomain> Host::Boot(const Domain &domain, const Plan &plan, Engine &engine,
                                 const QemuPlace &place, const Fd &log) {
  SVIRT_ASSIGN(std::vector<svirt_exec> recipes, engine.PrepareExec(domain, plan));
  Recipes owned(std::move(recipes));
  SVIRT_ASSIGN(QemuLaunch launch, qemu_.Spec(domain, place, log.get()));
  launch.spec.recipes = std::move(owned);
  SVIRT_ASSIGN(Child child, Launch(launch.spec));

  RunningDomain running;
  running.domain = domain;
  running.domain.seclabels.clear();
  for (const ModelLabels &labels : plan.models) {
    running.domain.seclabels.push_back(labels.seclabel);
  }
  // The guest stays paused until its label is known to be right and everything is written down.
  const auto finish = [&]() -> Status {
    SVIRT_TRY(engine.VerifyProcess(domain, plan, child.pid));
    SVIRT_TRY(engine.AddHolder(domain, child.pid));
    SVIRT_ASSIGN(running.process, IdentifyProcess(child.pid));
    SVIRT_TRY(store_.SetRunning(domain.uuid, running));
    SVIRT_ASSIGN(QmpClient monitor, QemuDriver::WaitReady(place, child, kMonitorTimeout));
    return QemuDriver::Resume(monitor);
  };
  if (Status status = finish(); !status.ok()) {
    Kill(child);
    return std::move(status).error();
  }
  return running;
}

Status Host::Destroy(const std::string &name_or_uuid) {
  SVIRT_ASSIGN(const StoredDomain found, store_.Find(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, store_.Lock(found.domain.uuid));
  SVIRT_ASSIGN(const StoredDomain stored, store_.Find(found.domain.uuid));
  if (!stored.running) {
    return Error{Errc::kConflict, "domain '" + stored.domain.name + "' is not running"};
  }
  SVIRT_TRY(EndProcess(stored.running->process));
  return CleanUp(stored.running->domain);
}

}  // namespace svirt
