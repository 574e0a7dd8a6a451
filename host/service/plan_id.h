// SPDX-License-Identifier: LGPL-2.1-or-later
// A short name of a plan, by which a start is held to it.
#pragma once

#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/labels/engine.h"
#include "host/util/result.h"

namespace svirt {

// "1-MODELS-RESOURCES-CHANGES": the version of the form, then a digest of each part of the plan, so
// that whoever compares two can name the part that differs.
// wall: names of what the domain is kept apart by.
std::string PlanIdOf(const Domain &domain, const Plan &plan, const std::vector<std::string> &wall);

// Errc::kConflict if it is not the id of the plan, with what differs; kInvalid if it is none.
Status CheckPlanId(const std::string &id, const Domain &domain, const Plan &plan,
                   const std::vector<std::string> &wall);

}  // namespace svirt
