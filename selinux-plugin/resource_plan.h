// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <svirt/plugin.h>

#include <string>

#include "selinux_api.h"

namespace svirt::selinux {

struct PlannedLabel {
  uint32_t action = SVIRT_PLAN_NONE;
  uint32_t flags = 0;
  std::string label, note;
};

// Which label a resource should have; README.md has the table.
svirt_status PlanLabel(SelinuxApi *api, const svirt_domain &domain, const svirt_resource &resource,
                       PlannedLabel *plan, svirt_error *error);

}  // namespace svirt::selinux
