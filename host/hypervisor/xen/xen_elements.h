// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// CheckElements with the rules of this driver.
Status CheckXenElements(const Domain &domain);

}  // namespace svirt
