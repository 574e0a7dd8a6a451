// SPDX-License-Identifier: LGPL-2.1-or-later
// A domain's labels go to another host on the same storage, or come from one, for a migration.
#pragma once

#include <string>
#include <vector>

#include "host/labels/apply/handover.h"
#include "host/service/label_owners.h"
#include "host/service/machine.h"
#include "host/util/result.h"

namespace svirt {

// Of domains that run or were labelled: see HandoverDesk. Both hosts must call the DOI of the
// models the same.
class Handovers {
 public:
  Handovers(Machine *machine, const LabelOwners *owners) : machine_(machine), owners_(owners) {}

  Result<Handover> Begin(const std::string &name_or_uuid) const;
  Status Prepare(const Handover &handover, std::vector<std::string> *notes) const;
  // commit: it has moved; else it stays where it was.
  Status End(const std::string &name_or_uuid, bool commit) const;

 private:
  Machine *machine_;
  const LabelOwners *owners_;
};

}  // namespace svirt
