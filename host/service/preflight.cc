// SPDX-License-Identifier: LGPL-2.1-or-later
// Collects what stands against a start: of the hypervisor, the resources, the models.
#include "host/service/preflight.h"

#include <memory>
#include <utility>

#include "host/domain/document_place.h"
#include "host/domain/manifest.h"
#include "host/labels/plan/opened_manifest.h"

namespace svirt {
namespace {

// May another moment have what is missing?
bool MayPass(const Error &error) {
  switch (error.code) {
    case Errc::kNotFound:
    case Errc::kPermission:
    case Errc::kConflict:
    case Errc::kExhausted:
    case Errc::kSystem:
    case Errc::kTimeout:
      return true;
    default:
      return false;
  }
}

void AddByCode(const Status &status, Refusals *refusals) {
  if (!status.ok() && MayPass(status.error())) {
    refusals->AddForNow(status);
  } else {
    refusals->Add(status);
  }
}

// Keeps the value, or else the error as a refusal.
template <typename T>
void Take(Result<T> result, std::optional<T> *value, Refusals *refusals) {
  if (result.ok()) {
    *value = std::move(result).value();
  } else {
    AddByCode(std::move(result).error(), refusals);
  }
}

}  // namespace

void Preflight::CheckHypervisor(Findings *findings) const {
  const auto hypervisor = machine_->HypervisorFor(findings->domain);
  if (!hypervisor.ok()) {
    return;
  }
  findings->hypervisor = *hypervisor;
  findings->hypervisor->Complete(&findings->domain);
  PinUsbDevices(&findings->domain, findings->hypervisor->Options());
  findings->hypervisor->Check(findings->domain, &findings->refusals);
}

Manifest Preflight::TakeManifest(RunBy by, Findings *findings) const {
  std::vector<Error> errors;
  Manifest told = MakeManifest(*machine_, findings->domain, by, &errors);
  for (Error &error : errors) {
    AddByCode(std::move(error), &findings->refusals);
  }
  if (errors.empty()) {
    findings->manifest = told;
  }
  return told;
}

void Preflight::Check(Engine *engine, RunBy by, Findings *findings) const {
  const Manifest told = TakeManifest(by, findings);
  std::shared_ptr<OpenedManifest> opened;
  if (engine != nullptr) {
    findings->refusals.Add(engine->Verify(findings->domain, told, &opened));
  } else if (auto seen = OpenedManifest::Look(told, nullptr); seen.ok()) {
    opened = std::move(seen).value();
  }
  if (opened == nullptr) {
    return;
  }
  for (const OpenedManifest::Failure &failure : opened->failures()) {
    findings->refusals.AddForNow(At(findings->domain, failure.position, failure.error));
  }
  if (findings->manifest && opened->failures().empty()) {
    findings->opened = std::move(opened);
  }
}

Findings Preflight::Begin(const Domain &domain, LabelStore *labels,
                          SecurityDrivers::Use use) const {
  Findings findings;
  findings.domain = domain;
  CheckHypervisor(&findings);
  if (findings.hypervisor != nullptr && findings.hypervisor->RunsProcesses() &&
      use != SecurityDrivers::Use::kLook) {
    if (auto wall = machine_->FindWall(); wall.ok()) {
      findings.wall = std::move(wall->wall);
      machine_->Report(wall->notes);
    } else {
      findings.refusals.Add(std::move(wall).error());  // more than this machine has to be mended
    }
  }
  auto engine = engines_->For(findings.domain, labels, use);
  if (engine.ok()) {
    findings.engine = std::move(engine).value();
  } else {
    findings.choice = std::move(engine).error();
    findings.refusals.Add(findings.choice);  // more than this machine has to be mended
  }
  Check(findings.engine ? &*findings.engine : nullptr, RunBy::kHypervisor, &findings);
  return findings;
}

Findings Preflight::ForStart(const Domain &domain, LabelStore *labels) const {
  return Begin(domain, labels, SecurityDrivers::Use::kStart);
}

// Other VM managers may run domains of types that are unknown here.
Findings Preflight::ForDefinition(const Domain &domain, LabelStore *labels) const {
  return Begin(domain, labels, SecurityDrivers::Use::kLook);
}

Findings Preflight::ForPlan(const Domain &domain, LabelStore *labels) const {
  Findings findings = Begin(domain, labels, SecurityDrivers::Use::kPlan);
  if (findings.engine && findings.manifest) {
    Take(findings.engine->MakePlan(findings.domain, *findings.manifest, findings.opened),
         &findings.plan, &findings.refusals);
  }
  return findings;
}

Findings Preflight::ForLabels(const Domain &domain, Engine *engine) const {
  Findings findings;
  findings.domain = domain;
  Check(engine, RunBy::kOthers, &findings);
  return findings;
}

Findings Preflight::ForChange(const Domain &now, const Domain &next, Engine *engine) const {
  Findings before;
  before.domain = now;
  CheckHypervisor(&before);
  Findings findings;
  findings.domain = next;
  CheckHypervisor(&findings);
  findings.refusals.Drop(before.refusals);
  TakeManifest(RunBy::kHypervisor, &findings);
  // What it has already is not judged again; the change itself judges the rest.
  findings.refusals.Add(engine->Verify(findings.domain));
  return findings;
}

}  // namespace svirt
