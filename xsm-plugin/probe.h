// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells a host whether FLASK can confine domains, and under which policy.
#pragma once

#include <svirt/plugin.h>

#include "xen_api.h"

namespace svirt::flask {

// Can domains of virt_type be confined here and now? See svirt_plugin.probe. That FLASK is in the
// hypervisor is not enough, and that the hypervisor answers is neither: FLASK must be the active
// module, have a policy, and take the label that domains would get.
svirt_status Probe(XenApi *api, const char *virt_type, svirt_error *reason);

// Model, policy and base label; see svirt_plugin.get_model.
svirt_status GetModel(XenApi *api, const char *virt_type, svirt_model *model, svirt_error *error);

// "xen", or "xen-" and a kind of guest (see FindBaseLabel).
bool IsXen(const char *virt_type);

}  // namespace svirt::flask
