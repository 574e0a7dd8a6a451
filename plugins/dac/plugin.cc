// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin: Driver with the ids of the host's configuration.
#include "driver.h"
#include "probe.h"

namespace svirt::dac {
namespace {

svirt_status ProbeRange(const svirt_host *host, const char *virt_type, IdRange *range,
                        svirt_error *reason) {
  const svirt_status status = ReadRange(host, range, reason);
  return status == SVIRT_OK ? ProbeDriver(ReadPrivileges(*range), *range, virt_type, reason)
                            : status;
}

svirt_status Probe(const svirt_host *host, const char *virt_type, svirt_error *reason) {
  IdRange range;
  return ProbeRange(host, virt_type, &range, reason);
}

svirt_status Init(const svirt_host *host, std::unique_ptr<sdk::Driver> *driver,
                  svirt_error *error) {
  IdRange range;
  const svirt_status status = ProbeRange(host, nullptr, &range, error);
  if (status != SVIRT_OK) {
    // Only probe may answer "inactive": a driver that was chosen has to work.
    return status == SVIRT_INACTIVE ? svirt_status{SVIRT_E_NOTSUP} : status;
  }
  *driver = std::make_unique<Driver>(host, range);
  return SVIRT_OK;
}

constexpr svirt_plugin kTable = sdk::MakeTable<Probe, Init>(
    {.model = kModel, .version = "1.0.0", .vendor = "svirt", .threads = SVIRT_THREADS_PARALLEL});

}  // namespace
}  // namespace svirt::dac

// Never by itself: it is meant to stand beside a model that confines by policy.
SVIRT_PLUGIN_DEFINE(svirt::dac::kTable, "dac", "1.0.0", 0, 0);
