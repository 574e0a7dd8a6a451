// SPDX-License-Identifier: LGPL-2.1-or-later
// Creates the child of a launch, given a descriptor of /proc.
#pragma once

#include "host/launch/launch.h"

namespace svirt {

// Launch() with the root of proc given. proc may be -1 if no recipe writes an attribute.
Result<Child> Spawn(const LaunchSpec &spec, int proc);

}  // namespace svirt
