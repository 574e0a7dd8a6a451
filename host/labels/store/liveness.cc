// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks at an owner's holders and objects.
#include "host/labels/store/liveness.h"

#include <utility>

#include "host/labels/store/journal_rows.h"

namespace svirt {

Result<Holders> HoldersSeenBy(Database *database, int64_t owner, const ProcessId &self) {
  SVIRT_ASSIGN(std::vector<Holder> running, RunningHolders(database, owner));
  Holders holders;
  for (Holder &holder : running) {
    if (holder.role == HolderRole::kStarting && holder.process == self) {
      holders.own_hold = true;
    } else if (holder.role == HolderRole::kKeeper) {
      holders.keepers.push_back(std::move(holder.process));
    } else {
      holders.processes.push_back(std::move(holder.process));
    }
  }
  holders.processes.insert(holders.processes.end(), holders.keepers.begin(), holders.keepers.end());
  return holders;
}

Result<bool> IsLive(Database *database, const OwnerRow &owner) {
  if (owner.pinned || owner.foreign) {
    return true;
  }
  SVIRT_ASSIGN(const auto running, RunningHolders(database, owner.id));
  return !running.empty();
}

Result<bool> IsForgettable(Database *database, const OwnerRow &owner) {
  SVIRT_ASSIGN(const bool live, IsLive(database, owner));
  if (live) {
    return false;
  }
  SVIRT_ASSIGN(const bool has_uses, HasUses(database, owner.id));
  return !has_uses;
}

Result<bool> ForgetIfDead(Database *database, const OwnerRow &owner) {
  SVIRT_ASSIGN(const bool forgettable, IsForgettable(database, owner));
  if (forgettable) {
    SVIRT_TRY(ForgetOwner(database, owner.id));
  }
  return forgettable;
}

}  // namespace svirt
