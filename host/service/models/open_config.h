// SPDX-License-Identifier: LGPL-2.1-or-later
// svirt.conf as every command opens it, checked whole.
#pragma once

#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/util/result.h"

namespace svirt {

// plugin_directories: instead of those of the file, unless there are none. A model that was chosen
// here before is known, whether its plugin is there or not.
Result<Config> OpenConfig(const Paths &paths,
                          const std::vector<std::string> &plugin_directories = {});

}  // namespace svirt
