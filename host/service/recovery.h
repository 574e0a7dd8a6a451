// SPDX-License-Identifier: LGPL-2.1-or-later
// Putting in order what crashes left.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/hypervisor/running_domain.h"
#include "host/service/devices.h"
#include "host/service/endings.h"
#include "host/service/engines.h"
#include "host/service/label_owners.h"
#include "host/service/machine.h"
#include "host/util/result.h"

namespace svirt {

class Recovery {
 public:
  Recovery(Machine *machine, const Engines *engines, const Endings *endings,
           const LabelOwners *owners, const Devices *devices)
      : machine_(machine),
        engines_(engines),
        endings_(endings),
        owners_(owners),
        devices_(devices) {}

  // After a crash, or a boot: puts back what domains that do not run any more have left, and what
  // commands that were ended left half done. Goes on after a failure and reports the first; a
  // domain that somebody else keeps locked is one. notes: the other failures, and sentences about
  // objects that were left alone.
  Status Recover(std::vector<std::string> *notes) const;

 private:
  // Enters a domain that the label database has lost.
  Status Adopt(const RunningDomain &running, std::vector<std::string> *notes) const;
  // Makes exactly its manifest what a domain that runs may use, and loads its policy again. keep:
  // is told what is lost even so.
  Status Relabel(RunningDomain *running, const std::function<void(Status)> &keep,
                 std::vector<std::string> *notes) const;
  Status RememberEnforced(RunningDomain *running) const;

  Machine *machine_;
  const Engines *engines_;
  const Endings *endings_;
  const LabelOwners *owners_;
  const Devices *devices_;
};

}  // namespace svirt
