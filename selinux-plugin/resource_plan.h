// SPDX-License-Identifier: LGPL-2.1-or-later
// Plans the labels of a domain's resources.
#pragma once

#include <svirt/sdk_driver.h>

#include "selinux_api.h"

namespace svirt::selinux {

// Which label a resource should have; README.md has the table.
svirt_status PlanLabel(SelinuxApi *api, const svirt_domain &domain, const svirt_resource &resource,
                       sdk::ResourcePlan *plan, svirt_error *error);

}  // namespace svirt::selinux
