// SPDX-License-Identifier: LGPL-2.1-or-later
// What the registry knows, and putting in order what crashes left.
#include <utility>

#include "host/hypervisor/host.h"

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
      SVIRT_ASSIGN(StoredDomain now, store_.Find(stored.domain.uuid));
      SVIRT_TRY(CleanUpIfEnded(&now));
      // A change that was ended half way may have left it more than it has.
      return now.running ? Relabel(*now.running) : Status();
    };
    keep_first(clean_up());
  }
  SVIRT_ASSIGN(const std::vector<OwnerState> owners, LabelOwners());
  for (const OwnerState &state : owners) {
    const auto recover = [&]() -> Status {
      SVIRT_ASSIGN(const Fd lock, store_.Lock(state.owner.uuid));
      Domain domain;
      domain.type = state.owner.virt_type;
      SVIRT_ASSIGN(Engine engine, EngineFor(domain));
      return engine.Recover(state.owner.uuid, notes);
    };
    keep_first(recover());
  }
  return first;
}

}  // namespace svirt
