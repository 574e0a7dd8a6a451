// SPDX-License-Identifier: LGPL-2.1-or-later
// Process 1 of a domain's namespace, from its creation until it executes the keeper.
#pragma once

#include "host/launch/child.h"

namespace svirt {

// Dies with the parent until it is the keeper. At a first byte on plan.keeper->talk it makes the
// child, which waits for its own at plan.go, and sends the child's pidfd; at a second one it gives
// up all privileges and executes the keeper, which answers with a byte when nothing can be done to
// it any more, reaps nobody before the other end is closed, and has no descriptor left then.
[[noreturn]] void RunKeeper(const ChildPlan &plan) noexcept;

}  // namespace svirt
