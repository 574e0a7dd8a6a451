// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin: Driver with the ids of the host's configuration.
#include "driver.h"
#include "probe.h"

namespace svirt::dac {
namespace {

svirt_status ProbeRange(const svirt_host *host, const char *virt_type, IdRange *range, IdMap *map,
                        svirt_error *reason) {
  if (const svirt_status status = ReadRange(host, range, reason); status != SVIRT_OK) {
    return status;
  }
  const Privileges privileges = ReadPrivileges(*range);
  *map = privileges.map;
  return ProbeDriver(privileges, *range, virt_type, reason);
}

svirt_status Probe(const svirt_host *host, const char *virt_type, svirt_error *reason) {
  IdRange range;
  IdMap map;
  return ProbeRange(host, virt_type, &range, &map, reason);
}

svirt_status Init(const svirt_host *host, std::unique_ptr<sdk::Driver> *driver,
                  svirt_error *error) {
  IdRange range;
  IdMap map;
  const svirt_status status = ProbeRange(host, nullptr, &range, &map, error);
  if (status != SVIRT_OK) {
    // Only probe may answer "inactive": a driver that was chosen has to work.
    return status == SVIRT_INACTIVE ? svirt_status{SVIRT_E_NOTSUP} : status;
  }
  *driver = std::make_unique<Driver>(host, range, std::move(map));
  return SVIRT_OK;
}

constexpr svirt_object_entry kObjectEntry = sdk::MakeObjectEntry();

const void *FindExtension(std::string_view id) noexcept {
  return id == SVIRT_EXT_OBJECT_ENTRY  ? static_cast<const void *>(&kObjectEntry)
         : id == SVIRT_EXT_CONFIG_KEYS ? static_cast<const void *>(&kConfigKeys)
                                       : nullptr;
}

constexpr svirt_plugin kTable = sdk::MakeTable<Probe, Init, FindExtension>(
    {.model = kModel, .version = "1.0.0", .vendor = "svirt", .threads = SVIRT_THREADS_PARALLEL});

}  // namespace
}  // namespace svirt::dac

// Never by itself: it is meant to stand beside a model that confines by policy.
SVIRT_PLUGIN_DEFINE(svirt::dac::kTable, "dac", "1.0.0", 0, 0);
