// SPDX-License-Identifier: LGPL-2.1-or-later
// What the registry knows, and putting in order what crashes left.
#include <set>
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
  const auto keep = [&](Status status) {
    if (!status.ok() && first.ok()) {
      first = std::move(status);
    } else if (!status.ok() && notes != nullptr &&
               status.error().message != first.error().message) {
      notes->push_back(status.error().message);
    }
  };
  SVIRT_ASSIGN(const std::vector<StoredDomain> domains, store_.List());
  // Where there is nothing of a domain there is nothing to do either, and nobody to wait for.
  SVIRT_ASSIGN(const std::set<std::string> traces, store_.Traces());
  PassingLocks locks(&store_);
  const auto with_lock = [&](const std::string &uuid, const auto &work) {
    if (locks.WasKept(uuid)) {
      return;
    }
    const auto all = [&]() -> Status {
      SVIRT_ASSIGN(const Fd lock, locks.Lock(uuid));
      auto now = store_.FindEvenDamaged(uuid);
      if (!now.ok() && now.error().code == Errc::kNotFound) {
        return {};  // undefined meanwhile
      }
      SVIRT_TRY(now);
      return work(&*now);
    };
    keep(all());
  };
  for (const StoredDomain &stored : domains) {
    if (traces.contains(stored.domain.uuid)) {
      with_lock(stored.domain.uuid, [&](StoredDomain *now) -> Status {
        if (now->bad_status) {
          return *now->bad_status;
        }
        SVIRT_TRY(CleanUpIfEnded(now));
        // A change that was ended half way may have left it more than it has. What a hypervisor
        // keeps by a number is never changed while it runs.
        return now->running && now->running->id < 0
                   ? Relabel(&*now->running, KnownTo(now->running->domain))
                   : Status();
      });
    }
    if (stored.bad_definition) {
      keep(*stored.bad_definition);
    }
  }
  SVIRT_ASSIGN(const std::vector<OwnerState> owners, LabelOwners());
  for (const OwnerState &state : owners) {
    const auto recover = [&]() -> Status {
      SVIRT_ASSIGN(const Fd lock, locks.Lock(state.owner.uuid));
      if (state.own_hold) {  // who holds the lock knows that nobody here is starting it
        SVIRT_ASSIGN(LabelStore * labels, Store());
        SVIRT_TRY(labels->DropOwnHold(state.owner.uuid));
      }
      SVIRT_ASSIGN(Engine engine, EngineToUndo(state.owner.uuid, state.owner.virt_type));
      SVIRT_ASSIGN(const bool is_over, HasLeftHypervisor(state.owner));
      return is_over ? engine.Restore(state.owner.uuid, notes)
                     : engine.Recover(state.owner.uuid, notes);
    };
    if (!locks.WasKept(state.owner.uuid)) {
      keep(recover());
    }
  }
  // A start that has ended before its domain was written down leaves the directory it was to have.
  for (const StoredDomain &stored : domains) {
    if (traces.contains(stored.domain.uuid)) {
      with_lock(stored.domain.uuid, [&](StoredDomain *now) -> Status {
        const bool may_run = now->running || now->bad_status;
        return may_run ? Status() : store_.ClearRunning(now->domain.uuid);
      });
    }
  }
  return first;
}

}  // namespace svirt
