// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// Refuses a domain whose XML has an element, or an attribute that matters, which this driver does
// not act upon: a guest without the limit, filter or password that its XML asks for must not start.
// Placement (<address>, <controller> of buses) is QEMU's choice and is passed over.
// Errc::kUnsupported names the element by its path.
Status CheckElements(const Domain &domain);

}  // namespace svirt
