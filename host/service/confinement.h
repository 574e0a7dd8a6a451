// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels, and programs that run as a domain, without its hypervisor: for other VM managers.
#pragma once

#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/labels/engine.h"
#include "host/launch/launch.h"
#include "host/service/engines.h"
#include "host/service/inspection.h"
#include "host/service/machine.h"
#include "host/service/preflight.h"
#include "host/util/result.h"

namespace svirt {

class Confinement {
 public:
  Confinement(Machine *machine, const Engines *engines, const Inspection *inspection,
              const Preflight *preflight)
      : machine_(machine), engines_(engines), inspection_(inspection), preflight_(preflight) {}

  // Labels the domain's resources, until Restore, with or without a process.
  Result<Plan> Label(const Domain &domain) const;
  // even_trees: also what keep_trees leaves labelled for the next start.
  Status Restore(const Domain &domain, bool even_trees = false) const;

  // Starts spec.program confined as the domain, with the domain's resources labelled; whatever
  // recipes spec has are replaced. Release when it has ended.
  Result<Child> Launch(const Domain &domain, LaunchSpec spec) const;
  // Puts the labels back, unless another process still runs as the domain.
  Status Release(const Domain &domain) const;
  // Both, and the time between: returns the program's exit status as a shell gives it. Standard
  // input and output go through pipes, so that the program never holds the caller's terminal.
  Result<int> Run(const Domain &domain, const std::vector<std::string> &argv,
                  const std::vector<std::string> &env) const;

 private:
  Result<Plan> Apply(const Findings &ready, Engine *engine) const;
  Status ReleaseLocked(const Domain &domain) const;

  Machine *machine_;
  const Engines *engines_;
  const Inspection *inspection_;
  const Preflight *preflight_;
};

}  // namespace svirt
