// SPDX-License-Identifier: LGPL-2.1-or-later
// Who holds which labels, also domains that have no definition.
#pragma once

#include <string>
#include <vector>

#include "host/labels/store/label_store.h"
#include "host/service/machine.h"
#include "host/util/result.h"

namespace svirt {

class LabelOwners {
 public:
  explicit LabelOwners(Machine *machine) : machine_(machine) {}

  // By uuid.
  Result<std::vector<OwnerState>> All() const;
  // By uuid, else by name.
  Result<LabelOwner> Find(const std::string &name_or_uuid) const;

 private:
  Machine *machine_;
};

}  // namespace svirt
