// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests: a hypervisor whose domains are processes that sleep, and that fails where it is told.
#pragma once

#include <sys/types.h>

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "host/hypervisor/hypervisor.h"

namespace svirt {

// What the fake does wrong, and what it has done. Outlives the hypervisors that work on it.
//
// The steps of a start are "prepare", "launch", "announced" (the process is known, its program does
// not run yet), "paused" and "runs"; of an end "end"; of questions "alive" and "state"; of a change
// "plan-change", "connect", "attach", "take-back", "detach" and "reopen".
struct FakeVmm {
  std::set<std::string> fails;                       // steps
  std::function<void(const std::string &)> at_step;  // before it is done, or fails
  std::vector<Error> refuses, lacks;                 // what Check adds, lasting and for now
  size_t refused_disks = 0;                          // Check speaks of domains with so many only
  bool is_paused = false;                            // what State says of a domain that lives
  std::function<void(pid_t, const Plan &)> label;    // does to a new process what a kernel would

  // Fails if it is told to.
  Status Reach(const std::string &step);
  // Those that were reached since this was asked last, but for questions.
  std::vector<std::string> Steps();

 private:
  std::mutex mutex_;  // questions are asked by several threads
  std::vector<std::string> steps_;
};

class FakeHypervisor : public Hypervisor {
 public:
  // Of domains of the type "fake".
  explicit FakeHypervisor(FakeVmm *vmm) : vmm_(vmm) {}

  std::vector<std::string> Types() const override { return {"fake"}; }
  bool RunsProcesses() const override { return true; }
  void Complete(Domain *domain) const override;
  void Check(const Domain &domain, Refusals *refusals) const override;
  Status Prepare(const Domain &domain, const DomainPlace &place) const override;
  ManifestOptions Options() const override { return {}; }
  // A run directory and a log, as an emulator has them.
  std::vector<Resource> Resources(const DomainPlace &place) const override;
  Result<RunningDomain> Start(const Domain &domain, const Plan &plan, Engine &engine,
                              const DomainPlace &place, const Wall &,
                              const Record &record) override;
  Status End(const RunningDomain &running) override;
  Result<bool> IsAlive(const RunningDomain &running) override;
  Result<bool> Has(const std::string &) override { return false; }
  Result<DomainState> State(const RunningDomain &running, const DomainPlace &place,
                            std::chrono::milliseconds patience) override;
  Result<std::unique_ptr<LiveChange>> PlanChange(const RunningDomain &running, const Domain &next,
                                                 const DomainPlace &place) override;

 private:
  FakeVmm *vmm_;
};

}  // namespace svirt
