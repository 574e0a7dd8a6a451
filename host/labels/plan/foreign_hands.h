// SPDX-License-Identifier: LGPL-2.1-or-later
// Who else has an object that a domain is to have for itself: a daemon that has marked it as its
// own, a process that writes to it, the kernel. What they do with it no label stops.
#pragma once

#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/labels/plan/draft.h"
#include "host/labels/plan/mismatch.h"
#include "host/labels/store/label_store.h"
#include "host/util/process.h"
#include "host/util/result.h"

namespace svirt {

// Of the objects that a draft's domain is to write and to have alone: those that it does not use
// already, and that somebody else has, become conflicts of the draft. proc: where processes are
// looked up. uses_some: the domain lives, so that some of them may be its own.
Status CheckForeignHands(LabelStore *store, const std::string &uuid, bool uses_some,
                         const std::string &proc, Draft *draft);

// The same for a domain that runs: what is its alone, and processes have open for writing that are
// neither among processes nor started by them, as far as this process may look at them.
std::vector<Mismatch> FindForeignWriters(const Draft &draft, const Domain &domain,
                                         const std::vector<ProcessId> &processes,
                                         const std::string &proc);

// Who has this one: a daemon or a process, a sentence; "" if nobody has.
Result<std::string> ForeignHand(const std::string &proc, const OpenObject &object);

}  // namespace svirt
