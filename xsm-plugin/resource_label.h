// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices: PCI devices that are handed to a domain, with their interrupt, ports and memory.
#pragma once

#include <svirt/plugin.h>

#include <optional>
#include <string>

#include "check.h"

namespace svirt::flask {

struct PlannedLabel {
  uint32_t action = SVIRT_PLAN_NONE;
  uint32_t flags = 0;
  std::string label, note;
};

// Which label a resource should have; README.md has the table.
svirt_status PlanLabel(XenApi *api, const svirt_domain &domain, const svirt_resource &resource,
                       PlannedLabel *plan, svirt_error *error);

// Labels the PCI device behind resource.fd and all that belongs to it, or nothing of it; nullopt
// takes the label away.
svirt_status SetResourceLabel(XenApi *api, const svirt_resource &resource,
                              const std::optional<std::string> &label, svirt_error *error);

}  // namespace svirt::flask
