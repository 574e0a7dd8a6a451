// SPDX-License-Identifier: LGPL-2.1-or-later
// Will a domain be able to open what it needs, as its user and group and nobody else?
#pragma once

#include <svirt/plugin.h>

#include <string>
#include <vector>

#include "identity.h"
#include "settings.h"

namespace svirt::dac {

// What the domain has to be able to do with the object itself: rights as in acl.h.
unsigned NeededRights(const svirt_resource &resource);

// SVIRT_E_DENIED with a sentence if owner, mode and ACL of the object keep the domain out. What a
// server or a program decides is left to it.
svirt_status CheckObject(const Identity &identity, const svirt_resource &resource,
                         svirt_error *error);

// When they have them: the program, every resource, and every directory on the way to one of them.
svirt_status CheckReach(const Identity &identity, const std::string &program,
                        const std::vector<svirt_resource> &resources, svirt_error *error);

// The same before the objects have their owners and entries: what will keep the domain out when
// they have them, and which of those that become its own could not be given back. range: of the ids
// that domains get. What needs an entry is left to PlanEntry (entry_plan.h).
svirt_status Foresee(const Identity &identity, const svirt_domain &domain, const IdRange &range,
                     svirt_error *error);

// May everybody read or write the object, so that its owner shuts nobody out?
bool IsOpenToAll(const svirt_resource &resource);

}  // namespace svirt::dac
