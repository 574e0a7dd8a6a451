// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/drivers.h"

#include <utility>

namespace svirt {
namespace {

LoaderOptions MakeLoaderOptions(const Config &config, const std::string &scanner,
                                const std::string &state_dir, LogSink log) {
  LoaderOptions options;
  options.directories = config.plugin_directories;
  options.order = config.order;
  options.not_critical = config.not_critical;
  options.settings = config.model_settings;
  if (config.scan_in_helper) {
    options.scanner = config.scanner.empty() ? scanner : config.scanner;
    options.quarantine_file = state_dir + "/quarantine";
  }
  options.log = std::move(log);
  return options;
}

}  // namespace

SecurityDrivers::SecurityDrivers(const Config &config, const std::string &scanner,
                                 const std::string &state_dir, LogSink log)
    : config_(config), loader_(MakeLoaderOptions(config, scanner, state_dir, std::move(log))) {}

Result<std::vector<Candidate>> SecurityDrivers::Candidates(const std::string &virt_type) {
  return loader_.Scan(virt_type);
}

Result<std::vector<Plugin *>> SecurityDrivers::For(const std::string &virt_type) {
  std::vector<Plugin *> plugins;
  switch (config_.choice) {
    case DriverChoice::kNone:
      return plugins;
    case DriverChoice::kList:
      for (const std::string &model : config_.models) {
        SVIRT_ASSIGN(Plugin * plugin, loader_.Get(model, virt_type));
        plugins.push_back(plugin);
      }
      break;
    case DriverChoice::kAuto: {
      SVIRT_ASSIGN(Plugin * plugin, loader_.Select(virt_type));
      if (plugin != nullptr) {
        plugins.push_back(plugin);
      } else if (!config_.allow_none) {
        return NothingActive(virt_type);
      }
      break;
    }
  }
  for (Plugin *plugin : plugins) {
    SVIRT_TRY(plugin->Init());
  }
  return plugins;
}

Error SecurityDrivers::NothingActive(const std::string &virt_type) {
  std::string reasons;
  if (const auto candidates = loader_.Scan(virt_type); candidates.ok()) {
    for (const Candidate &candidate : *candidates) {
      reasons += (reasons.empty() ? "" : "; ") +
                 (candidate.model.empty() ? candidate.path : candidate.model) + ": " +
                 candidate.reason;
    }
  }
  if (reasons.empty()) {
    reasons = "no plugin is installed";
  }
  return Error{Errc::kRefused,
               "no security driver is active on this host (" + reasons +
                   "), and unconfined domains are not allowed; make one active, or set "
                   "allow_none = yes under [confinement] in svirt.conf"};
}

Result<ModelInfo> SecurityDrivers::Describe(Plugin *plugin, const std::string &virt_type) const {
  SVIRT_ASSIGN(ModelInfo info, plugin->GetModel(virt_type));
  info.doi = DoiOf(info.model, info.doi);
  return info;
}

std::string SecurityDrivers::DoiOf(const std::string &model, const std::string &own) const {
  const auto doi = config_.doi.find(model);
  return doi != config_.doi.end() ? doi->second : own;
}

}  // namespace svirt
