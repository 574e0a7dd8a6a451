// SPDX-License-Identifier: LGPL-2.1-or-later
// What a command or a daemon works with: this machine and the services upon it.
#pragma once

#include <memory>
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
#include "host/util/result.h"

namespace svirt {

// Owns the services, which refer to each other. For one thread at a time.
class Host {
 public:
  static Result<std::unique_ptr<Host>> Open(MachineOptions options) {
    SVIRT_ASSIGN(std::unique_ptr<Machine> machine, Machine::Open(std::move(options)));
    return std::unique_ptr<Host>(new Host(std::move(machine)));
  }
  Host(const Host &) = delete;
  Host &operator=(const Host &) = delete;

 private:
  explicit Host(std::unique_ptr<Machine> opened) : owned_(std::move(opened)) {}

  std::unique_ptr<Machine> owned_;
  Engines engines_{owned_.get()};
  Endings endings_{owned_.get(), &engines_};
  Preflight preflight_{owned_.get(), &engines_};

 public:
  Machine &machine = *owned_;
  const LabelOwners owners{owned_.get()};
  const Definitions definitions{owned_.get(), &engines_, &endings_, &preflight_};
  const Inspection inspection{owned_.get(), &engines_, &endings_, &definitions};
  const Listing listing{owned_.get(), &endings_, &definitions, &inspection};
  const Planning planning{owned_.get(), &engines_, &preflight_};
  const Lifecycle lifecycle{owned_.get(), &endings_, &definitions, &inspection, &preflight_};
  const Devices devices{owned_.get(), &engines_, &definitions, &preflight_};
  const Confinement confinement{owned_.get(), &engines_, &inspection, &preflight_};
  const Handovers handovers{owned_.get(), &owners};
  const Recovery recovery{owned_.get(), &engines_, &endings_, &owners, &devices};
  const PolicyAccess access{owned_.get(), &definitions};
};

}  // namespace svirt
