// SPDX-License-Identifier: LGPL-2.1-or-later
// Start and destroy: the whole way from a definition to a running domain and back.
#pragma once

#include <string>

#include "host/domain/domain.h"
#include "host/hypervisor/running_domain.h"
#include "host/service/definitions.h"
#include "host/service/endings.h"
#include "host/service/engines.h"
#include "host/service/inspection.h"
#include "host/service/machine.h"
#include "host/service/preflight.h"
#include "host/util/result.h"

namespace svirt {

class Lifecycle {
 public:
  Lifecycle(Machine *machine, const Engines *engines, const Endings *endings,
            const Definitions *definitions, const Inspection *inspection,
            const Preflight *preflight)
      : machine_(machine),
        engines_(engines),
        endings_(endings),
        definitions_(definitions),
        inspection_(inspection),
        preflight_(preflight) {}

  // plan_id: what PlanIdOf has given for a plan of it, or "". Errc::kConflict if the start would
  // not do just that, with what differs.
  Result<RunningDomain> Start(const std::string &name_or_uuid, const std::string &plan_id) const;
  // Ends every process of the domain at once, and puts every label back.
  Status Destroy(const std::string &name_or_uuid) const;

 private:
  Result<RunningDomain> StartLocked(const Domain &defined, const std::string &plan_id) const;
  Status CheckNotRunning(const StoredDomain &stored) const;

  Machine *machine_;
  const Engines *engines_;
  const Endings *endings_;
  const Definitions *definitions_;
  const Inspection *inspection_;
  const Preflight *preflight_;
};

}  // namespace svirt
