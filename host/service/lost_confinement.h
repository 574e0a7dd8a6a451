// SPDX-License-Identifier: LGPL-2.1-or-later
// Notices that what runs is not confined any more as it was when it was started.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/hypervisor/running_domain.h"
#include "host/util/process.h"
#include "host/util/result.h"

namespace svirt {

// The label that the kernel has for each process of the domain is compared with the one that its
// emulator had at its start: a policy that was removed or replaced leaves processes without it.
// others: of the domain, such as those of 'svirt run'. Errc::kRefused with the process and both
// labels; nullopt: nothing has changed, or it cannot be told (models of which /proc/PID/attr says
// nothing).
std::optional<Error> LostConfinement(const RunningDomain &running,
                                     const std::vector<ProcessId> &others);

}  // namespace svirt
