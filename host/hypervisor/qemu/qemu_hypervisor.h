// SPDX-License-Identifier: LGPL-2.1-or-later
// The QEMU driver as the rest of the host sees it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/hypervisor/hypervisor.h"

namespace svirt {

// Domains that are processes of this kernel: one QEMU each. Has no state: what it needs to know of
// a running domain is in its run directory.
class QemuHypervisor : public Hypervisor {
 public:
  // kvm_device: tests give another.
  explicit QemuHypervisor(std::string kvm_device = "/dev/kvm")
      : kvm_device_(std::move(kvm_device)) {}

  std::vector<std::string> Types() const override { return {"kvm", "qemu"}; }
  bool RunsProcesses() const override { return true; }
  void Complete(Domain *domain) const override;
  void Check(const Domain &domain, Refusals *refusals) const override;
  Status Prepare(const Domain &domain, const DomainPlace &place) const override;
  ManifestOptions Options() const override { return {}; }
  std::vector<Resource> Resources(const DomainPlace &place) const override;
  Result<RunningDomain> Start(const Domain &domain, const Plan &plan, Engine &engine,
                              const DomainPlace &place, const Wall &wall,
                              const Record &record) override;
  Status End(const RunningDomain &running) override;
  Result<bool> IsAlive(const RunningDomain &running) override;
  Result<bool> Has(const std::string &) override { return false; }
  Result<DomainState> State(const RunningDomain &running, const DomainPlace &place,
                            std::chrono::milliseconds patience) override;
  Result<std::unique_ptr<LiveChange>> PlanChange(const RunningDomain &running, const Domain &next,
                                                 const DomainPlace &place) override;

 private:
  std::string kvm_device_;
};

}  // namespace svirt
