// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels of domains: which are made, which are valid.
#pragma once

#include <svirt/sdk_driver.h>

#include <string>
#include <string_view>

#include "check.h"

namespace svirt::flask {

// image: of devices; "" if the policy has no type for devices of domains.
using sdk::DomainLabels;

// The label the policy has for domains of virt_type: "xen", or by what kind of guest it is
// "xen-pv", "xen-pvh", "xen-hvm", and "xen-dm" for a device model in a domain of its own. NULL is
// "xen". Where the policy tells no difference, that of "xen". 0 or an errno; EINVAL: none.
int FindBaseLabel(XenApi *api, const char *virt_type, Context *base);

// The base of a dynamic label: FindBaseLabel, with the type of <baselabel> if there is one. That is
// a bare type or a whole context, of which nothing else is used.
svirt_status DynamicBase(XenApi *api, const svirt_domain &domain, Context *base,
                         svirt_error *error);

// See svirt_plugin.domain_generate_label. may_share: index kSharedIndex is allowed.
svirt_status GenerateLabels(XenApi *api, const svirt_domain &domain, uint64_t index, bool may_share,
                            DomainLabels *labels, svirt_error *error);

// See svirt_plugin.domain_verify_label.
svirt_status VerifyDomain(XenApi *api, const svirt_domain &domain, svirt_error *error);

// See svirt_build_label.get.
svirt_status FindBuildLabel(XenApi *api, const char *label, std::string *build_label,
                            svirt_error *error);

}  // namespace svirt::flask
