// SPDX-License-Identifier: LGPL-2.1-or-later
// Which entry a domain needs on an object that keeps its owner.
#pragma once

#include <svirt/plugin.h>

#include <string>

#include "identity.h"

namespace svirt::dac {

// SVIRT_E_NODATA: none, since owner, mode and ACL let it in without, or the object changes its
// owner, or comes open. The entry that the domain may have already makes no difference. Fails with
// a sentence where the domain could not get at the object with an entry either.
svirt_status PlanEntry(const svirt_domain &domain, const Identity &identity,
                       const svirt_resource &resource, std::string *entry, svirt_error *error);

}  // namespace svirt::dac
