// SPDX-License-Identifier: LGPL-2.1-or-later
// Lists and finds the domains that hold labels.
#include "host/service/label_owners.h"

#include <optional>
#include <utility>

#include "host/service/lost_labels.h"

namespace svirt {

Result<std::vector<OwnerState>> LabelOwners::All() const {
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  SVIRT_ASSIGN(const std::vector<std::string> uuids, labels->registry().Owners());
  const LostLabels lost_labels(machine_);
  SVIRT_ASSIGN(const std::vector<StoredDomain> lost, lost_labels.Find(labels));
  for (const StoredDomain &domain : lost) {
    machine_->Report({lost_labels.Describe(domain).message});
  }
  std::vector<OwnerState> owners;
  for (const std::string &uuid : uuids) {
    SVIRT_ASSIGN(std::optional<OwnerState> owner, labels->registry().Describe(uuid));
    if (owner) {  // else it was given back meanwhile
      SVIRT_ASSIGN(owner->objects, labels->journal().CountUsesOf(uuid));
      owners.push_back(std::move(*owner));
    }
  }
  return owners;
}

// By uuid, else by name: a domain that was only labelled has no definition.
Result<LabelOwner> LabelOwners::Find(const std::string &name_or_uuid) const {
  SVIRT_ASSIGN(const std::vector<OwnerState> owners, All());
  const LabelOwner *named = nullptr;
  for (const OwnerState &state : owners) {
    if (state.owner.uuid == name_or_uuid) {
      return state.owner;
    }
    named = state.owner.name == name_or_uuid ? &state.owner : named;
  }
  if (named == nullptr) {
    return Error{Errc::kNotFound, "no domain '" + name_or_uuid +
                                      "' has labels on this host; 'svirt labels' lists those that "
                                      "have"};
  }
  return *named;
}

}  // namespace svirt
