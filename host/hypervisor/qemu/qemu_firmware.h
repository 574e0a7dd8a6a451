// SPDX-License-Identifier: LGPL-2.1-or-later
// The variables of a domain's firmware, which are made from a template once.
#pragma once

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// Are they to be made? Then the template has to be readable.
bool LacksFirmwareVariables(const LoaderNvram &firmware);

// Makes them if they are to be made. Before the resources of the domain are labelled.
Status MakeFirmwareVariables(const LoaderNvram &firmware);

}  // namespace svirt
