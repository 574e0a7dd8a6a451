// SPDX-License-Identifier: LGPL-2.1-or-later
// What the policy lets two domains do together.
#pragma once

#include <svirt/plugin.h>

#include <string>

#include "xen_api.h"

namespace svirt::flask {

// May a domain labelled source read, write or copy pages that one labelled target grants it?
// permissions: kGrant* of flask_classes.h, all of which it must have. 0 or an errno.
int MayUseGrants(XenApi *api, const std::string &source, const std::string &target,
                 uint32_t permissions, bool *may);

// May the two bind an event channel to each other? Asks what the hypervisor asks, for both ends.
int MayBindEvents(XenApi *api, const std::string &one, const std::string &other, bool *may);

// Neither may use grants of the other in any way, and they cannot bind event channels.
int AreKeptApart(XenApi *api, const std::string &one, const std::string &other, bool *apart);

// See svirt_access.ask.
svirt_status AskAccess(XenApi *api, const char *source, const char *target, uint32_t *may,
                       svirt_error *error);

}  // namespace svirt::flask
