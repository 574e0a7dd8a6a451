// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts, asks and ends the QEMU of a domain.
#include "host/hypervisor/qemu/qemu_hypervisor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "host/hypervisor/qemu/qemu_firmware.h"
#include "host/hypervisor/qemu/qemu_hotplug.h"
#include "host/hypervisor/qemu/qemu_launch.h"
#include "host/hypervisor/qemu/qemu_memlock.h"
#include "host/hypervisor/qemu/qemu_monitor.h"
#include "host/hypervisor/qemu/qemu_preflight.h"
#include "host/hypervisor/qemu/tap.h"
#include "host/launch/end_process.h"
#include "host/launch/launch.h"
#include "host/util/end_request.h"
#include "host/util/pidfd.h"

namespace svirt {
namespace {

// How long QEMU may take until its monitor answers; under TCG on a loaded host that is seconds.
constexpr std::chrono::seconds kMonitorTimeout{60};

// A guest may take long to let go of a device; one that never does is told.
constexpr std::chrono::seconds kUnplugTimeout{15};

std::chrono::milliseconds TimeUntil(QmpClient::Clock::time_point deadline) {
  return std::max(
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - QmpClient::Clock::now()),
      std::chrono::milliseconds(0));
}

struct Log {
  Fd fd;
  off_t start = 0;  // its size before the start: what is older is not this QEMU's word
};

Result<Log> OpenLog(const std::string &path) {
  Log log;
  log.fd.Reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat st {};
  if (!log.fd || ::fstat(log.fd.get(), &st) != 0) {
    return SystemError(errno, "cannot open the log " + path);
  }
  log.start = st.st_size;
  return log;
}

Result<std::string> AskStatus(const RunningDomain &running, const DomainPlace &place,
                              QmpClient::Clock::time_point deadline) {
  SVIRT_ASSIGN(QmpClient monitor, ConnectMonitor(place.run_dir, running.process.pid, deadline));
  return QueryStatus(monitor, TimeUntil(deadline));
}

class QemuLiveChange : public LiveChange {
 public:
  // memlock: what the QEMU may lock afterwards.
  QemuLiveChange(QemuChange change, QemuChange back, uint64_t memlock, std::string run_dir,
                 pid_t pid)
      : change_(std::move(change)),
        back_(std::move(back)),
        memlock_(memlock),
        run_dir_(std::move(run_dir)),
        pid_(pid) {}

  bool IsAttach() const override {
    return !change_.add.empty() && change_.unplug.empty() && change_.remove.empty();
  }
  bool IsDetach() const override { return !change_.unplug.empty() && change_.add.empty(); }
  Status Connect() override {
    SVIRT_ASSIGN(monitor_, ConnectMonitor(run_dir_, pid_, QmpClient::Clock::now() + kAnswerTime));
    monitor_->GoOnIfAsked();
    return {};
  }
  Status Attach() override {
    SVIRT_TRY(RaiseMemlock(pid_, memlock_));
    return Plug(*monitor_, change_, OpenTap);
  }
  Status TakeBack() override { return Unplug(*monitor_, back_, kUnplugTimeout); }
  Status Detach() override { return Unplug(*monitor_, change_, kUnplugTimeout); }
  Status Reopen() override { return svirt::Reopen(*monitor_, change_); }

 private:
  QemuChange change_, back_;
  uint64_t memlock_;
  std::string run_dir_;
  pid_t pid_;
  std::optional<QmpClient> monitor_;
};

}  // namespace

void QemuHypervisor::Complete(Domain *domain) const {
  domain->emulator = QemuEmulator(*domain);
}

void QemuHypervisor::Check(const Domain &domain, Refusals *refusals) const {
  CheckQemu(domain, kvm_device_, refusals);
}

Status QemuHypervisor::Prepare(const Domain &domain, const DomainPlace &place) const {
  SVIRT_TRY(MakeFirmwareVariables(domain.firmware));
  SVIRT_ASSIGN([[maybe_unused]] const Log log, OpenLog(place.log_path));
  return {};
}

std::vector<Resource> QemuHypervisor::Resources(const DomainPlace &place) const {
  std::vector<Resource> resources;
  Resource run_dir;
  run_dir.kind = ResourceKind::kRundir;
  run_dir.object = ObjectType::kDir;
  run_dir.access = kAccessRead | kAccessWrite | kAccessCreate;
  run_dir.subtree = true;
  run_dir.optional = true;  // the host makes it for a start
  run_dir.path = place.run_dir;
  run_dir.device = "run directory";
  resources.push_back(run_dir);
  Resource log;
  log.kind = ResourceKind::kLog;
  log.object = ObjectType::kFile;
  log.access = kAccessWrite;
  log.optional = true;
  log.path = place.log_path;
  log.device = "log";
  resources.push_back(log);
  return resources;
}

Result<RunningDomain> QemuHypervisor::Start(const Domain &domain, const Plan &plan, Engine &engine,
                                            const DomainPlace &place, const Wall &wall,
                                            const Record &record) {
  SVIRT_ASSIGN(const Log log, OpenLog(place.log_path));
  SVIRT_ASSIGN(std::vector<svirt_exec> recipes, engine.PrepareExec(domain, plan));
  Recipes owned(std::move(recipes));
  SVIRT_ASSIGN(QemuLaunch launch, LaunchOfQemu(domain, place.run_dir, log.fd.get()));
  launch.spec.recipes = std::move(owned);
  launch.spec.ends_if_asked = true;

  RunningDomain running;
  running.domain = domain;
  running.domain.seclabels = plan.seclabels();
  running.starting = true;
  running.wall = wall.Names();
  launch.spec.wall = wall;
  // Known to the labels before there is anything that it keeps, which ends with it.
  launch.spec.announce_keeper = [&](pid_t pid) -> Status {
    SVIRT_ASSIGN(running.keeper, IdentifyProcess(pid));
    return engine.AddHolder(domain, pid, HolderRole::kKeeper);
  };
  // Whenever this process ends, there is no emulator that the next command does not find.
  launch.spec.announce = [&](pid_t pid) -> Status {
    SVIRT_TRY(engine.AddHolder(domain, pid));
    SVIRT_ASSIGN(running.process, IdentifyProcess(pid));
    return record(running);
  };
  SVIRT_ASSIGN(Child child, Launch(launch.spec));
  // The guest stays paused until its label is known to be right.
  const auto finish = [&]() -> Status {
    SVIRT_TRY(engine.VerifyProcess(domain, plan, child.pid));
    child.watch.Reset();
    SVIRT_ASSIGN(QmpClient monitor, WaitForMonitor(place, log.start, child, kMonitorTimeout));
    SVIRT_TRY(SetMemory(monitor, domain));
    SVIRT_TRY(CheckNotAskedToEnd());
    SVIRT_TRY(Resume(monitor));  // from here on it is started
    running.starting = false;
    return record(running);
  };
  if (Status status = finish(); !status.ok()) {
    Kill(child);
    return std::move(status).error();
  }
  return running;
}

Status QemuHypervisor::End(const RunningDomain &running) {
  return EndProcess(LastOf(running));
}

// A keeper ends right after its program, when the kernel has killed what else is there.
Result<bool> QemuHypervisor::IsAlive(const RunningDomain &running) {
  if (IsRunning(running.process) || running.keeper.pid <= 0) {
    return IsRunning(running.process);
  }
  SVIRT_ASSIGN(const Fd keeper, HoldProcess(running.keeper));
  return keeper && !PidfdEndsWithin(keeper, kEndTimeout);
}

Result<DomainState> QemuHypervisor::State(const RunningDomain &running, const DomainPlace &place,
                                          std::chrono::milliseconds patience) {
  // Its monitor would keep us waiting for nothing; its processors run on.
  if (HasLostItsMainThread(running.process)) {
    return DomainState::kRunning;
  }
  const auto deadline = QmpClient::Clock::now() + patience;
  const Result<std::string> status = AskStatus(running, place, deadline);
  if (status.ok()) {
    return *status == "running" ? DomainState::kRunning : DomainState::kPaused;
  }
  // Its end may be why it does not answer.
  SVIRT_ASSIGN(const Fd pidfd, HoldProcess(running.process));
  if (!pidfd || PidfdEndsWithin(pidfd, std::min(kQemuEndInterval, TimeUntil(deadline)))) {
    return DomainState::kShutOff;
  }
  return status.error();
}

Result<std::unique_ptr<LiveChange>> QemuHypervisor::PlanChange(const RunningDomain &running,
                                                               const Domain &next,
                                                               const DomainPlace &place) {
  SVIRT_ASSIGN(QemuChange change, PlanQemuChange(running.domain, next));
  SVIRT_ASSIGN(QemuChange back, PlanQemuChange(next, running.domain));
  return std::unique_ptr<LiveChange>(std::make_unique<QemuLiveChange>(
      std::move(change), std::move(back), MemlockOf(next), place.run_dir, running.process.pid));
}

}  // namespace svirt
