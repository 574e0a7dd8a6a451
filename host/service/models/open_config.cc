// SPDX-License-Identifier: LGPL-2.1-or-later
// Puts together what the configuration is held against.
#include "host/service/models/open_config.h"

#include <algorithm>

#include "host/service/models/chosen_models.h"

namespace svirt {

Result<Config> OpenConfig(const Paths &paths, const std::vector<std::string> &plugin_directories) {
  MachineFacts machine;
  machine.plugin_directories = plugin_directories;
  machine.was_chosen = [&](const std::string &model) {
    const auto chosen = ChosenModels(paths.state_dir).Read();
    // If it cannot be told, the selection of a model says so, and why.
    return !chosen.ok() || std::ranges::any_of(*chosen, [&](const auto &each) {
      return each.second.model == model;
    });
  };
  return LoadConfig(paths.config_file, machine);
}

}  // namespace svirt
