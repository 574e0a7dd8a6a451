// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and sets the owner of an object, through its descriptor alone.
#pragma once

#include <svirt/plugin.h>
#include <sys/stat.h>

#include "identity.h"
#include "settings.h"

namespace svirt::dac {

svirt_status GetOwner(const svirt_resource &resource, Identity *owner, svirt_error *error);

// The status of an object that can have an owner of its own.
svirt_status LookAt(const svirt_resource &resource, struct stat *st, svirt_error *error);

// SVIRT_E_DENIED if the file would lose for good what a later change of owner cannot give back.
// st: of LookAt.
svirt_status CheckGoesBack(const svirt_resource &resource, const struct stat &st,
                           const Identity &owner, const IdRange &range, svirt_error *error);

// range: those ids are of domains, so that what they have made of a file may be lost.
svirt_status SetOwner(const svirt_resource &resource, const Identity &owner, const IdRange &range,
                      svirt_error *error);

}  // namespace svirt::dac
