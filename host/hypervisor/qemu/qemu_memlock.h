// SPDX-License-Identifier: LGPL-2.1-or-later
// How much memory a QEMU may lock. It has no capability for that, and devices of the host that the
// guest programs itself reach all of the guest's memory, which stays where it is for them.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// Bytes for a domain with its devices; 0: it has none that needs locked memory.
uint64_t MemlockOf(const Domain &domain);

// Before a running QEMU is given a device that makes it this much. Never lowers the limit.
Status RaiseMemlock(pid_t pid, uint64_t bytes);

}  // namespace svirt
