// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells a host whether SELinux can confine domains, and under which policy.
#pragma once

#include <svirt/plugin.h>

#include "selinux_api.h"

namespace svirt::selinux {

// Can domains of virt_type be confined here and now? See svirt_plugin.probe. "Enabled" is not
// enough: the policy must accept the labels that a domain would get.
svirt_status Probe(SelinuxApi *api, const svirt_host *host, const char *virt_type,
                   svirt_error *reason);

// Model, policy and base label; see svirt_plugin.get_model.
svirt_status GetModel(SelinuxApi *api, const char *virt_type, svirt_model *model,
                      svirt_error *error);

}  // namespace svirt::selinux
