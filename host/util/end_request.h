// SPDX-License-Identifier: LGPL-2.1-or-later
// Signals that ask a program to end, for work that had better not be ended in the middle.
#pragma once

#include <poll.h>

#include <chrono>

#include "host/util/result.h"

namespace svirt {

// Blocks SIGINT, SIGTERM and SIGHUP in this thread: from here on they say what IsAskedToEnd tells,
// and end nothing by themselves.
void HoldEndSignals();

// Has this thread blocked a signal that would end the process, and is one waiting? Who waits for
// something then had better stop. False for signals that are ignored.
bool IsAskedToEnd();

// The same as an error, with errno EINTR, that names the signal: for work that can be taken back.
Status CheckNotAskedToEnd();

// PollUntil, but -1 with errno EINTR as soon as this thread is asked to end.
int PollUnlessAskedToEnd(pollfd *items, nfds_t count,
                         std::chrono::steady_clock::time_point deadline);

// Unblocks them: one that waits does what it does, and as a rule ends the process.
void EndAsAsked();

}  // namespace svirt
