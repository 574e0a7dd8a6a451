// SPDX-License-Identifier: LGPL-2.1-or-later
// Looking for labels of domains that are gone.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "host/labels/apply/label_scan.h"
#include "host/service/machine.h"
#include "host/service/recovery.h"
#include "host/util/result.h"

namespace svirt {

class Scanning {
 public:
  Scanning(Machine *machine, const Recovery *recovery) : machine_(machine), recovery_(recovery) {}

  // Goes through the paths with every object model that is active here, once all that the label
  // database knows has been recovered; dry_run: without that, and without a change. Goes on after a
  // failure and reports the first. notes: the other failures, and what Recovery::Recover says.
  // objects: how many were looked at.
  Status Scan(const std::vector<std::string> &paths, bool dry_run,
              const std::function<void(const FoundLabel &)> &found, std::vector<std::string> *notes,
              int64_t *objects) const;

 private:
  Result<std::vector<ScanModel>> Models() const;

  Machine *machine_;
  const Recovery *recovery_;
};

}  // namespace svirt
