// SPDX-License-Identifier: LGPL-2.1-or-later
// What the processes between a creation and an exec have in common, by raw system calls.
//
// Only raw system calls here. The C library's wrappers are not usable after a bare clone3() in a
// process with threads: setresuid() and friends would signal threads that exist only in the
// parent, and sanitizers intercept others and take locks.
#pragma once

#include <cstddef>

#include "host/launch/child.h"

#define SVIRT_CHILD __attribute__((no_sanitize("thread")))

namespace svirt {

[[noreturn]] void ExitChild();
// false: nobody reads the pipe any more.
bool SendReport(int pipe, ChildStep step, int error, size_t index);
[[noreturn]] void FailChild(int pipe, ChildStep step, int error, size_t index = 0);

// Ignored signals are inherited through exec, and handlers of the parent must not run here.
void ResetSignals(int pipe);
// Takes from this process all that plan.keep_privileges would leave it, but for the user: the
// groups, too. Some of what takes privileges away takes one itself, so this is in two parts,
// between which the user may change.
void DropGainable(const ChildPlan &plan);
void DropPresent(const ChildPlan &plan);
// Has exec close descriptors from first to last.
void CloseOnExec(int report, unsigned first, unsigned last);

}  // namespace svirt
