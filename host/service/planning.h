// SPDX-License-Identifier: LGPL-2.1-or-later
// Plans: what a start would do, told without doing any of it.
#pragma once

#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/labels/engine.h"
#include "host/service/engines.h"
#include "host/service/machine.h"
#include "host/service/preflight.h"
#include "host/util/refusals.h"
#include "host/util/result.h"

namespace svirt {

struct DomainPlan {
  Plan plan;                         // of what can be told
  std::vector<std::string> wall;     // what it would be kept apart by (WallItemName)
  std::string id;                    // "" if the domain cannot be started
  Refusals refusals;                 // why it cannot
  std::vector<PolicyText> policies;  // of the models that the domain gets
};

class Planning {
 public:
  Planning(Machine *machine, const Engines *engines, const Preflight *preflight)
      : machine_(machine), engines_(engines), preflight_(preflight) {}

  // Changes nothing. An error: what stands against the domain cannot be told, as where the
  // configuration of a model is wrong.
  Result<DomainPlan> Make(const Domain &domain) const;
  // Keeps the labels of the plan for the domain, whatever else is started, until it has been
  // started and has ended, or until its labels are restored. Nothing is kept if the domain cannot
  // be started (id ""). Errc::kConflict: it runs, and has its labels.
  Result<DomainPlan> Hold(const Domain &domain) const;

  // Are the domain's labels, and those of its resources, valid here?
  Status Verify(const Domain &domain) const;

 private:
  Result<DomainPlan> Tell(Findings findings) const;

  Machine *machine_;
  const Engines *engines_;
  const Preflight *preflight_;
};

}  // namespace svirt
