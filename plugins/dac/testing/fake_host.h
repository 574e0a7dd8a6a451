// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <svirt/ext/config.h>
#include <svirt/plugin.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace svirt::dac {

// A host with a configuration, that remembers what it is told.
class FakeHost {
 public:
  FakeHost() {
    host_.struct_size = sizeof host_;
    host_.abi_major = SVIRT_ABI_MAJOR;
    host_.abi_minor = SVIRT_ABI_MINOR;
    host_.name = "test";
    host_.version = "1";
    host_.host_data = this;
    host_.log = [](const svirt_host *host, int32_t, const char *text) noexcept {
      static_cast<FakeHost *>(host->host_data)->log.emplace_back(text);
    };
    host_.get_extension = [](const svirt_host *, const char *id) noexcept -> const void * {
      static const svirt_config config = {sizeof config, 0, Get};
      return std::string_view(id) == SVIRT_EXT_CONFIG ? &config : nullptr;
    };
  }
  FakeHost(const FakeHost &) = delete;
  FakeHost &operator=(const FakeHost &) = delete;

  const svirt_host *get() const { return &host_; }

  std::map<std::string, std::string> settings;
  std::vector<std::string> log;

 private:
  static const char *Get(const svirt_host *host, const char *key) noexcept {
    const auto &settings = static_cast<const FakeHost *>(host->host_data)->settings;
    const auto found = settings.find(key);
    return found != settings.end() ? found->second.c_str() : nullptr;
  }

  svirt_host host_{};
};

}  // namespace svirt::dac
