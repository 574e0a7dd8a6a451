// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/loader/loader.h"
#include "host/util/result.h"

namespace svirt {

// The security drivers of this host, as its configuration chooses them. Hypervisor drivers ask
// here which ones their domains get.
class SecurityDrivers {
 public:
  // scanner: the helper program that tries plugins first. state_dir keeps what it found.
  SecurityDrivers(const Config &config, const std::string &scanner, const std::string &state_dir,
                  LogSink log);

  // Every candidate with its state and reason.
  Result<std::vector<Candidate>> Candidates(const std::string &virt_type);

  // The drivers that domains of virt_type get, primary first. Empty only where the configuration
  // says so: models = none, or allow_none with nothing active. Errc::kRefused otherwise.
  Result<std::vector<Plugin *>> For(const std::string &virt_type);

  // What the driver says of its model, with the configured DOI.
  Result<ModelInfo> Describe(Plugin *plugin, const std::string &virt_type) const;

  // The DOI of a model: the configured one, else what the plugin calls it itself.
  std::string DoiOf(const std::string &model, const std::string &own) const;

 private:
  Error NothingActive(const std::string &virt_type);

  Config config_;
  Loader loader_;
};

}  // namespace svirt
