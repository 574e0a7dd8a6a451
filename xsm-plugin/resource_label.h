// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices: PCI devices that are handed to a domain, with their interrupt, ports and memory.
#pragma once

#include <svirt/sdk_driver.h>

#include <optional>
#include <string>

#include "check.h"

namespace svirt::flask {

// Which label a resource should have; README.md has the table.
svirt_status PlanLabel(XenApi *api, const svirt_domain &domain, const svirt_resource &resource,
                       sdk::ResourcePlan *plan, svirt_error *error);

// Labels the PCI device behind resource.fd and all that belongs to it, or nothing of it; nullopt
// takes the label away.
svirt_status SetResourceLabel(XenApi *api, const svirt_resource &resource,
                              const std::optional<std::string> &label, svirt_error *error);

}  // namespace svirt::flask
