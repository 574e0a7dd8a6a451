// SPDX-License-Identifier: LGPL-2.1-or-later
// The list of XML elements and attributes that the QEMU driver understands.
#pragma once

#include <span>

#include "host/domain/domain.h"
#include "host/hypervisor/element_rules.h"
#include "host/util/refusals.h"

namespace svirt {

std::span<const ElementRule> QemuElements();

// CheckElements with the rules of this driver.
void CheckElements(const Domain &domain, Refusals *refusals);

}  // namespace svirt
