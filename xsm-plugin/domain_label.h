// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels of domains that the hypervisor has.
#pragma once

#include <svirt/plugin.h>

#include <string>

#include "check.h"

namespace svirt::flask {

// The label of domain.id. SVIRT_E_GONE if there is none such.
svirt_status GetDomainLabel(XenApi *api, const svirt_domain &domain, std::string *label,
                            bool *enforcing, svirt_error *error);

// Moves the domain, which has been built with another label or this one, to label, and reads it
// back. Without an id there is nothing to do but to see that the label is valid.
svirt_status SetDomainLabel(XenApi *api, const svirt_domain &domain, const char *label,
                            svirt_error *error);

// Will the policy let the control domain make a domain with that label? SVIRT_E_DENIED, and the
// rule that is missing, if not.
svirt_status CheckCreate(XenApi *api, const char *label, svirt_error *error);

}  // namespace svirt::flask
