// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin: Driver on libselinux.
#include "driver.h"

namespace svirt::selinux {
namespace {

svirt_status ProbeSystem(const svirt_host *host, const char *virt_type, svirt_error *reason) {
  return Probe(MakeLibselinuxApi().get(), host, virt_type, reason);
}

svirt_status Init(const svirt_host *host, std::unique_ptr<sdk::Driver> *driver, svirt_error *) {
  *driver = std::make_unique<Driver>(host, MakeLibselinuxApi());
  return SVIRT_OK;
}

constexpr svirt_config_keys kConfigKeys = sdk::MakeConfigKeys();

const void *FindExtension(std::string_view id) noexcept {
  return id == SVIRT_EXT_CONFIG_KEYS ? &kConfigKeys : nullptr;
}

// Parallel: Driver keeps nothing, and libselinux_api.cc says why libselinux takes it.
constexpr svirt_plugin kTable = sdk::MakeTable<ProbeSystem, Init, FindExtension>(
    {.model = "selinux", .version = "1.0.0", .vendor = "svirt", .threads = SVIRT_THREADS_PARALLEL});

}  // namespace
}  // namespace svirt::selinux

SVIRT_PLUGIN_DEFINE(svirt::selinux::kTable, "selinux", "1.0.0", 0, 500);
