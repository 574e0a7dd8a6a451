// SPDX-License-Identifier: LGPL-2.1-or-later
// Compares all that can be known of a running domain with what was planned for it.
#pragma once

#include <string>
#include <vector>

#include "host/hypervisor/running_domain.h"
#include "host/labels/plan/mismatch.h"
#include "host/service/definitions.h"
#include "host/service/engines.h"
#include "host/service/machine.h"
#include "host/util/result.h"

namespace svirt {

class Verification {
 public:
  Verification(Machine *machine, const Engines *engines, const Definitions *definitions)
      : machine_(machine), engines_(engines), definitions_(definitions) {}

  // Every difference: the label of each thread and whether it is enforced, each object that was
  // labelled, who else has what is the domain's alone, and what the label database knows of it.
  // Errc::kConflict: it does not run. No other command changes the domain meanwhile.
  Result<std::vector<Mismatch>> Verify(const std::string &name_or_uuid) const;

 private:
  // Status file against label database.
  Result<std::vector<Mismatch>> CompareRecords(const StoredDomain &stored) const;
  Result<std::vector<Mismatch>> CompareObjects(const RunningDomain &running) const;

  Machine *machine_;
  const Engines *engines_;
  const Definitions *definitions_;
};

}  // namespace svirt
