// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything of a start that can fail without touching anything.
#pragma once

#include <memory>
#include <optional>

#include "host/domain/domain.h"
#include "host/domain/resource.h"
#include "host/hypervisor/hypervisor.h"
#include "host/labels/engine.h"
#include "host/service/domain_manifest.h"
#include "host/service/engines.h"
#include "host/service/machine.h"
#include "host/util/refusals.h"
#include "host/util/result.h"

namespace svirt {

// What a start works with, and what stands against it.
struct Findings {
  Domain domain;                     // completed, with the USB devices it means
  Hypervisor *hypervisor = nullptr;  // none: other VM managers run domains of its type
  std::optional<Engine> engine;      // with the models it gets
  Status choice;                     // why there is no engine: the models cannot be chosen
  std::optional<Manifest> manifest;  // none: it cannot be told
  // The manifest with its objects open, as they were judged; none if not all of them can be had.
  std::shared_ptr<OpenedManifest> opened;
  Wall wall;                 // what it is kept apart by, if it is to be a process
  std::optional<Plan> plan;  // where one is asked for and can be made
  Refusals refusals;         // all that stands against it
};

class Preflight {
 public:
  Preflight(Machine *machine, const Engines *engines) : machine_(machine), engines_(engines) {}

  // For one that is to be kept: what stands against it for now does not matter.
  Findings ForDefinition(const Domain &domain, LabelStore *labels) const;
  // For a start by our hypervisor.
  Findings ForStart(const Domain &domain, LabelStore *labels) const;
  // With the plan of that start, the same that it would carry out. labels: may be read only.
  Findings ForPlan(const Domain &domain, LabelStore *labels) const;
  // For labels, or a program that runs as the domain: the hypervisor has no say. engine: with the
  // models that it gets; Findings have none.
  Findings ForLabels(const Domain &domain, Engine *engine) const;
  // For a running domain that is to become the next one. What stands against what it has already
  // does not matter.
  Findings ForChange(const Domain &now, const Domain &next, Engine *engine) const;

 private:
  // What the hypervisor makes of the domain and says about it, if one of ours runs it.
  void CheckHypervisor(Findings *findings) const;
  Findings Begin(const Domain &domain, LabelStore *labels, SecurityDrivers::Use use) const;
  // What can be told of the manifest; it becomes that of the findings if it is whole.
  Manifest TakeManifest(RunBy by, Findings *findings) const;
  // The manifest, and what the models and the path policy say about it.
  void Check(Engine *engine, RunBy by, Findings *findings) const;

  Machine *machine_;
  const Engines *engines_;
};

}  // namespace svirt
