// SPDX-License-Identifier: LGPL-2.1-or-later
// Builds a domain's ruleset in the kernel.
#pragma once

#include <svirt/plugin.h>
#include <svirt/sdk_fd.h>

#include "kernel_features.h"

namespace svirt::landlock {

// Makes the ruleset of a domain: what its resources grant, its emulator and the emulator's dynamic
// loader, and the baseline. Everything else that this kernel can withhold is withheld.
svirt_status BuildRuleset(const KernelCalls &kernel, const Features &features,
                          const svirt_domain &domain, sdk::Fd *ruleset, svirt_error *error);

}  // namespace svirt::landlock
