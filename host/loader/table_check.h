// SPDX-License-Identifier: LGPL-2.1-or-later
// Copies a plugin's table after checking it.
#pragma once

#include <svirt/plugin.h>

#include "host/util/result.h"

namespace svirt {

// The table of a plugin as this host knows it: members copied, an absent tail zero. Refuses a
// table that breaks a rule of the ABI; the sentence has no subject ("its table ...").
Result<svirt_plugin> CopyTable(const svirt_plugin *theirs);

}  // namespace svirt
