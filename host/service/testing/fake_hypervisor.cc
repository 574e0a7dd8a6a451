// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts processes that sleep, and fails where it is told.
#include "host/service/testing/fake_hypervisor.h"

#include <utility>

#include "host/launch/end_process.h"
#include "host/launch/launch.h"
#include "host/util/file.h"

namespace svirt {
namespace {

// Longer than any test; and nothing stays for long if one is ended in the middle.
constexpr const char *kSeconds = "120";

class FakeChange : public LiveChange {
 public:
  FakeChange(FakeVmm *vmm, size_t before, size_t after)
      : vmm_(vmm), before_(before), after_(after) {}

  bool IsAttach() const override { return after_ > before_; }
  bool IsDetach() const override { return after_ < before_; }
  Status Connect() override { return vmm_->Reach("connect"); }
  Status Attach() override { return vmm_->Reach("attach"); }
  Status TakeBack() override { return vmm_->Reach("take-back"); }
  Status Detach() override { return vmm_->Reach("detach"); }
  Status Reopen() override { return vmm_->Reach("reopen"); }

 private:
  FakeVmm *vmm_;
  size_t before_, after_;  // numbers of disks
};

}  // namespace

Status FakeVmm::Reach(const std::string &step) {
  {
    const std::lock_guard lock(mutex_);
    if (step != "alive" && step != "state") {
      steps_.push_back(step);
    }
  }
  if (at_step) {
    at_step(step);
  }
  return fails.contains(step) ? Error{Errc::kSystem, "told to fail at " + step, 0} : Status();
}

std::vector<std::string> FakeVmm::Steps() {
  const std::lock_guard lock(mutex_);
  return std::exchange(steps_, {});
}

void FakeHypervisor::Complete(Domain *domain) const {
  domain->emulator = "/bin/sleep";
}

void FakeHypervisor::Check(const Domain &domain, Refusals *refusals) const {
  if (domain.disks.size() < vmm_->refused_disks) {
    return;
  }
  for (const Error &error : vmm_->refuses) {
    refusals->Add(error);
  }
  for (const Error &error : vmm_->lacks) {
    refusals->AddForNow(error);
  }
}

Status FakeHypervisor::Prepare(const Domain &, const DomainPlace &place) const {
  SVIRT_TRY(vmm_->Reach("prepare"));
  return WriteFileAtomic(place.log_path, "", 0600, Durability::kNone);
}

std::vector<Resource> FakeHypervisor::Resources(const DomainPlace &place) const {
  Resource run_dir;
  run_dir.kind = ResourceKind::kRundir;
  run_dir.object = ObjectType::kDir;
  run_dir.access = kAccessRead | kAccessWrite | kAccessCreate;
  run_dir.subtree = true;
  run_dir.optional = true;
  run_dir.path = place.run_dir;
  Resource log;
  log.kind = ResourceKind::kLog;
  log.object = ObjectType::kFile;
  log.access = kAccessWrite;
  log.optional = true;
  log.path = place.log_path;
  return {run_dir, log};
}

Result<RunningDomain> FakeHypervisor::Start(const Domain &domain, const Plan &plan, Engine &engine,
                                            const DomainPlace &, const Wall &,
                                            const Record &record) {
  SVIRT_TRY(vmm_->Reach("launch"));
  RunningDomain running;
  running.domain = domain;
  running.domain.seclabels = plan.seclabels();
  running.starting = true;
  SVIRT_ASSIGN(std::vector<svirt_exec> recipes, engine.PrepareExec(domain, plan));
  LaunchSpec spec;
  spec.program = domain.emulator;
  spec.argv = {"sleep", kSeconds};
  spec.recipes = Recipes(std::move(recipes));
  spec.announce = [&](pid_t pid) -> Status {
    vmm_->label(pid, plan);
    SVIRT_TRY(engine.AddHolder(domain, pid));
    SVIRT_ASSIGN(running.process, IdentifyProcess(pid));
    SVIRT_TRY(record(running));
    return vmm_->Reach("announced");
  };
  SVIRT_ASSIGN(Child child, Launch(spec));
  const auto finish = [&]() -> Status {
    SVIRT_TRY(vmm_->Reach("paused"));
    SVIRT_TRY(engine.VerifyProcess(domain, plan, child.pid));
    running.starting = false;
    SVIRT_TRY(record(running));
    return vmm_->Reach("runs");
  };
  if (Status status = finish(); !status.ok()) {
    Kill(child);
    return std::move(status).error();
  }
  return running;
}

Status FakeHypervisor::End(const RunningDomain &running) {
  SVIRT_TRY(vmm_->Reach("end"));
  return EndProcess(running.process);
}

Result<bool> FakeHypervisor::IsAlive(const RunningDomain &running) {
  SVIRT_TRY(vmm_->Reach("alive"));
  return IsRunning(running.process);
}

Result<DomainState> FakeHypervisor::State(const RunningDomain &running, const DomainPlace &,
                                          std::chrono::milliseconds) {
  SVIRT_TRY(vmm_->Reach("state"));
  if (!IsRunning(running.process)) {
    return DomainState::kShutOff;
  }
  return vmm_->is_paused ? DomainState::kPaused : DomainState::kRunning;
}

Result<std::unique_ptr<LiveChange>> FakeHypervisor::PlanChange(const RunningDomain &running,
                                                               const Domain &next,
                                                               const DomainPlace &) {
  SVIRT_TRY(vmm_->Reach("plan-change"));
  return std::unique_ptr<LiveChange>(
      std::make_unique<FakeChange>(vmm_, running.domain.disks.size(), next.disks.size()));
}

}  // namespace svirt
