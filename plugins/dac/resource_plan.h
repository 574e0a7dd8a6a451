// SPDX-License-Identifier: LGPL-2.1-or-later
// Which owner a resource should have.
#pragma once

#include <svirt/plugin.h>

#include <string>

namespace svirt::dac {

struct PlannedOwner {
  uint32_t action = SVIRT_PLAN_NONE;
  uint32_t flags = 0;
  std::string label, note;
};

svirt_status PlanOwner(const svirt_domain &domain, const svirt_resource &resource,
                       PlannedOwner *plan, svirt_error *error);

// Does the domain get the resource as an open descriptor, so that it need not reach it itself?
bool IsHandedOver(const svirt_resource &resource);

// Is its override label there, so that an owner was asked for by name?
bool HasOverride(const svirt_resource &resource);

}  // namespace svirt::dac
