// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/service/models/drivers.h"
#include "host/util/result.h"

namespace svirt {

// The policy that a model would give a domain, in the model's own language.
struct PolicyText {
  std::string model;
  std::string text;
};

// Of every plugin that can describe one (svirt/ext/describe.h), active here or not: to read what a
// domain would get takes no privilege. Models that the domain does not want are left out.
Result<std::vector<PolicyText>> DescribePolicies(SecurityDrivers *drivers, const Domain &domain);

}  // namespace svirt
