// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether anything keeps an owner's labels: its processes, a pin, or objects that bear them.
#pragma once

#include <vector>

#include "host/labels/store/registry_rows.h"
#include "host/util/process.h"
#include "host/util/result.h"
#include "host/util/sqlite.h"

namespace svirt {

// Who holds an owner's labels, as process self sees it.
struct Holders {
  // The owner's processes and whoever else is just starting it; behind them their keepers.
  std::vector<ProcessId> processes;
  std::vector<ProcessId> keepers;  // those that are
  bool own_hold = false;           // self holds the labels provisionally, and nothing runs in it
};
Result<Holders> HoldersSeenBy(Database *database, int64_t owner, const ProcessId &self);

// Pinned, foreign (those are only known while they run) or with a running process.
Result<bool> IsLive(Database *database, const OwnerRow &owner);
// The owner is dead and no object bears its labels.
Result<bool> IsForgettable(Database *database, const OwnerRow &owner);
// Forgets it then, in a Transaction; true: it is gone.
Result<bool> ForgetIfDead(Database *database, const OwnerRow &owner);

}  // namespace svirt
