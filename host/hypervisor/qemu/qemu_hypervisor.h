// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "host/hypervisor/hypervisor.h"
#include "host/hypervisor/qemu/qemu_driver.h"

namespace svirt {

// Domains that are processes of this kernel: one QEMU each.
class QemuHypervisor : public Hypervisor {
 public:
  std::vector<std::string> Types() const override { return {"kvm", "qemu"}; }
  bool RunsProcesses() const override { return true; }
  void Complete(Domain *domain) const override;
  void Check(const Domain &domain, Refusals *refusals) const override {
    driver_.Check(domain, refusals);
  }
  Status Prepare(const Domain &domain, const DomainPlace &place) const override;
  ManifestOptions Options() const override { return {}; }
  std::vector<Resource> Resources(const DomainPlace &place) const override;
  Result<RunningDomain> Start(const Domain &domain, const Plan &plan, Engine &engine,
                              const DomainPlace &place, const Record &record) override;
  Status End(const RunningDomain &running) override;
  Result<bool> IsAlive(const RunningDomain &running) override { return IsRunning(running.process); }
  Result<bool> Has(const std::string &) override { return false; }
  Result<DomainState> State(const RunningDomain &running, const DomainPlace &place,
                            std::chrono::milliseconds patience) override;
  Result<std::unique_ptr<LiveChange>> PlanChange(const RunningDomain &running, const Domain &next,
                                                 const DomainPlace &place) override;

 private:
  QemuDriver driver_;
};

}  // namespace svirt
