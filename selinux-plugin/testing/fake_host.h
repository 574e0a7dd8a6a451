// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <svirt/plugin.h>

#include <string>
#include <vector>

namespace svirt::selinux {

// A host that remembers what it is told.
class FakeHost {
 public:
  FakeHost() {
    host_.struct_size = sizeof host_;
    host_.abi_major = SVIRT_ABI_MAJOR;
    host_.abi_minor = SVIRT_ABI_MINOR;
    host_.name = "test";
    host_.version = "1";
    host_.host_data = this;
    host_.log = [](const svirt_host *host, int32_t level, const char *text) noexcept {
      if (level >= SVIRT_LOG_WARNING) {
        static_cast<FakeHost *>(host->host_data)->log_.emplace_back(text);
      }
    };
    host_.get_extension = [](const svirt_host *, const char *) noexcept -> const void * {
      return nullptr;
    };
  }
  FakeHost(const FakeHost &) = delete;
  FakeHost &operator=(const FakeHost &) = delete;

  const svirt_host *get() const { return &host_; }
  const std::vector<std::string> &log() const { return log_; }  // warnings and errors

 private:
  svirt_host host_{};
  std::vector<std::string> log_;
};

}  // namespace svirt::selinux
