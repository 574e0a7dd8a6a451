// SPDX-License-Identifier: LGPL-2.1-or-later
// Will a domain be able to open what it needs, as its user and group and nobody else?
#pragma once

#include <svirt/plugin.h>

#include <string>

#include "identity.h"

namespace svirt::dac {

// SVIRT_E_DENIED with a sentence that names the object, or the directory on the way, whose mode
// keeps the domain out. Where an ACL or a file system of its own mind decides, that is left to the
// kernel. access: SVIRT_ACCESS_*.
svirt_status CheckReach(const Identity &identity, const svirt_resource &resource,
                        svirt_error *error);

// The same for a program by its path.
svirt_status CheckProgram(const Identity &identity, const std::string &path, svirt_error *error);

// May everybody read or write the object, so that its owner shuts nobody out?
bool IsOpenToAll(const svirt_resource &resource);

}  // namespace svirt::dac
