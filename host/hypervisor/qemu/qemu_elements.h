// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>

#include "host/domain/domain.h"
#include "host/hypervisor/element_rules.h"
#include "host/util/result.h"

namespace svirt {

std::span<const ElementRule> QemuElements();

// CheckElements with the rules of this driver.
Status CheckElements(const Domain &domain);

}  // namespace svirt
