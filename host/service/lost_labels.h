// SPDX-License-Identifier: LGPL-2.1-or-later
// Notices that the label database does not know what runs: it was lost, or an older copy put back.
#pragma once

#include <string>
#include <vector>

#include "host/service/machine.h"
#include "host/service/store/domain_store.h"
#include "host/util/result.h"

namespace svirt {

class LostLabels {
 public:
  explicit LostLabels(const Machine *machine) : machine_(machine) {}

  // Does its process run under labels, and the registry does not know that it does?
  Result<bool> IsLost(LabelStore *labels, const StoredDomain &stored) const;
  // Domains that run under labels, by their status files, of whose process the registry knows
  // nothing.
  Result<std::vector<StoredDomain>> Find(LabelStore *labels) const;
  // Errc::kRefused if there is one, with all their names. Looks only where the files of the
  // database are others than at the last look that may_note: for whoever enters labels or gives
  // them back.
  Status Check(LabelStore *labels, bool may_note) const;
  // The sentence about one of them.
  Error Describe(const StoredDomain &lost) const;

 private:
  const Machine *machine_;
};

}  // namespace svirt
