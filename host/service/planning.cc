// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes plans, and verifies the labels of a domain.
#include "host/service/planning.h"

#include <memory>
#include <utility>

#include "host/service/domain_manifest.h"
#include "host/service/plan_id.h"

namespace svirt {

Result<DomainPlan> Planning::Make(const Domain &domain) const {
  SVIRT_ASSIGN(const std::unique_ptr<LabelStore> labels, machine_->OpenLabelsReadOnly());
  return Tell(preflight_->ForPlan(domain, labels.get()));
}

Result<DomainPlan> Planning::Hold(const Domain &domain) const {
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(domain.uuid));
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, machine_->OwnerOf(domain.uuid));
  // What bears its labels may live; to take them anew could give them back first.
  const bool is_in_use = owner && (!owner->processes.empty() || owner->in_hypervisor ||
                                   (owner->pinned && owner->objects > 0));
  if (is_in_use) {
    return Error{Errc::kConflict, "domain '" + domain.name +
                                      "' runs or was labelled, and has its labels; 'svirt labels' "
                                      "shows them"};
  }
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  Findings findings = preflight_->ForPlan(domain, labels);
  if (findings.plan && findings.refusals.empty() && !findings.plan->has_conflict()) {
    SVIRT_TRY(findings.engine->Reserve(findings.domain, *findings.manifest));
    // A label may have been given away since the first look.
    SVIRT_ASSIGN(findings.plan, findings.engine->MakePlan(findings.domain, *findings.manifest));
  }
  return Tell(std::move(findings));
}

Result<DomainPlan> Planning::Tell(Findings findings) const {
  if (!findings.choice.ok() && findings.choice.error().code == Errc::kInvalid) {
    return findings.choice.error();  // the configuration is wrong, whatever the domain
  }
  DomainPlan result;
  result.refusals = std::move(findings.refusals);
  if (!findings.plan) {
    return result;
  }
  result.plan = std::move(*findings.plan);
  result.wall = findings.wall.Names();
  SVIRT_ASSIGN(result.policies, findings.engine->DescribePolicies(findings.domain, result.plan));
  if (result.refusals.empty() && !result.plan.has_conflict()) {
    result.id = PlanIdOf(findings.domain, result.plan, result.wall);
  }
  engines_->NameDoi(&result.plan);
  return result;
}

// What the machine lacks now, such as an unplugged device, it may have when the domain starts.
Status Planning::Verify(const Domain &domain) const {
  SVIRT_ASSIGN(Engine engine, engines_->For(domain, SecurityDrivers::Use::kLook));
  return engine.Verify(domain, MakeKnownManifest(*machine_, domain)).ToStatus();
}

}  // namespace svirt
