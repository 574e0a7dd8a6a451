// SPDX-License-Identifier: LGPL-2.1-or-later
// The Xen driver as the rest of the host sees it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/hypervisor/hypervisor.h"
#include "host/hypervisor/xen/xl.h"

namespace svirt {

// PV and PVH domains of the Xen hypervisor under which this kernel is the control domain. They have
// no emulator, so that no process of this kernel works for one guest alone, and are known by their
// uuid: it is asked for by whoever wants to know whether a domain is still there.
class XenHypervisor : public Hypervisor {
 public:
  // end_timeout: how long a destroyed domain may take to be gone.
  explicit XenHypervisor(std::unique_ptr<XlRunner> runner = std::make_unique<SystemXl>(),
                         std::chrono::milliseconds end_timeout = std::chrono::seconds(30))
      : runner_(std::move(runner)), xl_(runner_.get()), end_timeout_(end_timeout) {}

  std::vector<std::string> Types() const override { return {"xen"}; }
  bool RunsProcesses() const override { return false; }
  void Complete(Domain *) const override {}
  void Check(const Domain &domain, Refusals *refusals) const override;
  Status Prepare(const Domain &domain, const DomainPlace &place) const override;
  ManifestOptions Options() const override;
  std::vector<Resource> Resources(const DomainPlace &) const override { return {}; }
  Result<RunningDomain> Start(const Domain &domain, const Plan &plan, Engine &engine,
                              const DomainPlace &place, const Wall &,
                              const Record &record) override;
  Status End(const RunningDomain &running) override;
  Result<bool> IsAlive(const RunningDomain &running) override;
  Result<bool> Has(const std::string &uuid) override;
  Result<DomainState> State(const RunningDomain &running, const DomainPlace &place,
                            std::chrono::milliseconds patience) override;
  Result<std::unique_ptr<LiveChange>> PlanChange(const RunningDomain &running, const Domain &next,
                                                 const DomainPlace &place) override;

 private:
  Result<std::optional<XenDomain>> FindOwn(const RunningDomain &running) const;
  Status Build(const Plan &plan, Engine &engine, const DomainPlace &place,
               const std::string &build_label, const Record &record, RunningDomain *running);

  std::unique_ptr<XlRunner> runner_;
  Xl xl_;
  std::chrono::milliseconds end_timeout_;
};

}  // namespace svirt
