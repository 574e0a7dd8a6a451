// SPDX-License-Identifier: LGPL-2.1-or-later
// Kills a process that need not be our child, and waits for its end.
#pragma once

#include <chrono>

#include "host/util/fd.h"
#include "host/util/process.h"
#include "host/util/result.h"

namespace svirt {

// How long a killed process may take to be gone; a process in an uninterruptible wait can take
// long, and its labels are not given away before.
inline constexpr std::chrono::seconds kEndTimeout{15};

// Holds on to the process, which need not be a child of this one, so that no other can be meant.
// Empty if it has ended, or never was: a start may fail before.
Result<Fd> HoldProcess(const ProcessId &process);

// Kills the process with all its threads and waits until none is left. Idempotent. An error if one
// stays: nothing that it has may be given away.
Status EndProcess(const ProcessId &process);

}  // namespace svirt
