// SPDX-License-Identifier: LGPL-2.1-or-later
// What the registry knows, and putting in order what crashes left.
#include <utility>

#include "host/service/host.h"

namespace svirt {

Result<std::vector<OwnerState>> Host::LabelOwners() {
  SVIRT_ASSIGN(LabelStore * labels, Store());
  SVIRT_ASSIGN(const std::vector<std::string> uuids, labels->Owners());
  std::vector<OwnerState> owners;
  for (const std::string &uuid : uuids) {
    SVIRT_ASSIGN(std::optional<OwnerState> owner, labels->Describe(uuid));
    if (owner) {  // else it was given back meanwhile
      owners.push_back(std::move(*owner));
    }
  }
  return owners;
}

// A boot takes the domains of a hypervisor and what was known of them in the run directory; their
// labels are still pinned.
Result<bool> Host::HasLeftHypervisor(const LabelOwner &owner) {
  SVIRT_ASSIGN(LabelStore * labels, Store());
  SVIRT_ASSIGN(const std::optional<OwnerState> now, labels->Describe(owner.uuid));
  if (!now || !now->in_hypervisor || !now->processes.empty()) {
    return false;
  }
  Domain domain;
  domain.type = owner.virt_type;
  SVIRT_ASSIGN(Hypervisor *const hypervisor, HypervisorFor(domain));
  SVIRT_ASSIGN(const bool there, hypervisor->Has(owner.uuid));
  return !there;
}

Status Host::Recover(std::vector<std::string> *notes) {
  Status first;
  const auto keep_first = [&first](Status status) {
    if (!status.ok() && first.ok()) {
      first = std::move(status);
    }
  };
  SVIRT_ASSIGN(const std::vector<StoredDomain> domains, store_.List());
  for (const StoredDomain &stored : domains) {
    const auto clean_up = [&]() -> Status {
      SVIRT_ASSIGN(const Fd lock, store_.Lock(stored.domain.uuid));
      SVIRT_ASSIGN(StoredDomain now, store_.FindEvenDamaged(stored.domain.uuid));
      if (now.bad_status) {
        return *now.bad_status;
      }
      SVIRT_TRY(CleanUpIfEnded(&now));
      // A change that was ended half way may have left it more than it has. What a hypervisor keeps
      // by a number is never changed while it runs.
      return now.running && now.running->id < 0
                 ? Relabel(&*now.running, KnownTo(now.running->domain))
                 : Status();
    };
    keep_first(clean_up());
    if (stored.bad_definition) {
      keep_first(*stored.bad_definition);
    }
  }
  SVIRT_ASSIGN(const std::vector<OwnerState> owners, LabelOwners());
  for (const OwnerState &state : owners) {
    const auto recover = [&]() -> Status {
      SVIRT_ASSIGN(const Fd lock, store_.Lock(state.owner.uuid));
      if (state.own_hold) {  // who holds the lock knows that nobody here is starting it
        SVIRT_ASSIGN(LabelStore * labels, Store());
        SVIRT_TRY(labels->DropOwnHold(state.owner.uuid));
      }
      SVIRT_ASSIGN(Engine engine, EngineToUndo(state.owner.uuid, state.owner.virt_type));
      SVIRT_ASSIGN(const bool is_over, HasLeftHypervisor(state.owner));
      return is_over ? engine.Restore(state.owner.uuid, notes)
                     : engine.Recover(state.owner.uuid, notes);
    };
    keep_first(recover());
  }
  // A start that has ended before its domain was written down leaves the directory it was to have.
  for (const StoredDomain &stored : domains) {
    const auto clear = [&]() -> Status {
      SVIRT_ASSIGN(const Fd lock, store_.Lock(stored.domain.uuid));
      SVIRT_ASSIGN(const StoredDomain now, store_.FindEvenDamaged(stored.domain.uuid));
      const bool may_run = now.running || now.bad_status;
      return may_run ? Status() : store_.ClearRunning(stored.domain.uuid);
    };
    keep_first(clear());
  }
  return first;
}

}  // namespace svirt
