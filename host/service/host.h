// SPDX-License-Identifier: LGPL-2.1-or-later
// What a command or a daemon works with: this machine and the services upon it.
#pragma once

#include <utility>

#include "host/service/confinement.h"
#include "host/service/definitions.h"
#include "host/service/devices.h"
#include "host/service/endings.h"
#include "host/service/engines.h"
#include "host/service/handovers.h"
#include "host/service/inspection.h"
#include "host/service/label_owners.h"
#include "host/service/lifecycle.h"
#include "host/service/listing.h"
#include "host/service/machine.h"
#include "host/service/planning.h"
#include "host/service/policy_access.h"
#include "host/service/preflight.h"
#include "host/service/recovery.h"
#include "host/service/scanning.h"
#include "host/service/verification.h"

namespace svirt {

// Owns the services, which refer to each other. For one thread at a time.
class Host {
 public:
  explicit Host(MachineOptions options) : machine(std::move(options)) {}
  Host(const Host &) = delete;
  Host &operator=(const Host &) = delete;

  Machine machine;

 private:
  Engines engines_{&machine};
  Endings endings_{&machine, &engines_};
  Preflight preflight_{&machine, &engines_};

 public:
  const LabelOwners owners{&machine};
  const Definitions definitions{&machine, &engines_, &endings_, &preflight_};
  const Inspection inspection{&machine, &engines_, &endings_, &definitions};
  const Listing listing{&machine, &endings_, &definitions, &inspection};
  const Planning planning{&machine, &engines_, &preflight_};
  const Lifecycle lifecycle{&machine, &engines_, &endings_, &definitions, &inspection, &preflight_};
  const Devices devices{&machine, &engines_, &definitions, &preflight_};
  const Confinement confinement{&machine, &engines_, &inspection, &preflight_};
  const Handovers handovers{&machine, &owners};
  const Verification verification{&machine, &engines_, &definitions};
  const Recovery recovery{&machine, &engines_, &endings_, &owners, &devices};
  const Scanning scanning{&machine, &recovery};
  const PolicyAccess access{&machine, &definitions};
};

}  // namespace svirt
