// SPDX-License-Identifier: LGPL-2.1-or-later
// As whom does a process run?
#pragma once

#include <svirt/plugin.h>
#include <sys/types.h>

#include <string_view>

#include "identity.h"

namespace svirt::dac {

// From the text of /proc/PID/status. SVIRT_E_DENIED if real, effective, saved and file system ids
// are not the same: then it could become somebody else again.
svirt_status ReadIdentity(std::string_view status_text, pid_t pid, Identity *identity,
                          svirt_error *error);

// The same from the kernel. SVIRT_E_GONE if there is no such process.
svirt_status ProcessIdentity(pid_t pid, Identity *identity, svirt_error *error);

}  // namespace svirt::dac
