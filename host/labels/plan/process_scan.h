// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds the labels that running processes bear, whoever gave them out.
#pragma once

#include <string>
#include <vector>

#include "host/labels/types.h"
#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt {

// Labels of running processes that take indexes of the plugin's model, each with its processes: so
// that a label some other daemon has given out is not given out again. One look at each process in
// proc (a directory like /proc), through the plugin; processes that end meanwhile, or that this
// process may not look at, are passed over. Empty if the kernel cannot be asked for labels.
Result<std::vector<ForeignLabel>> ScanProcesses(Plugin *plugin, const std::string &virt_type,
                                                const std::string &proc);

}  // namespace svirt
