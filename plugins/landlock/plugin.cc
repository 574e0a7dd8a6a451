// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin: Driver on the running kernel.
#include <svirt/ext/describe.h>

#include <utility>

#include "driver.h"

namespace svirt::landlock {
namespace {

svirt_status Probe(const svirt_host *, const char *virt_type, svirt_error *reason) {
  return ProbeDriver(RunningKernel(), virt_type, reason);
}

svirt_status Init(const svirt_host *, std::unique_ptr<sdk::Driver> *driver, svirt_error *error) {
  KernelCalls kernel = RunningKernel();
  Features features;
  svirt_error reason{};
  reason.struct_size = sizeof reason;
  const svirt_status status = ProbeFeatures(kernel, &features, &reason);
  if (status != SVIRT_OK) {
    // Only probe may answer "inactive": a driver that was chosen has to work.
    return sdk::Fail(error, status == SVIRT_INACTIVE ? SVIRT_E_NOTSUP : status, reason.sys_errno,
                     "%s", reason.message);
  }
  *driver = std::make_unique<Driver>(std::move(kernel), features);
  return SVIRT_OK;
}

svirt_status Describe(const svirt_host *, const svirt_domain *domain, svirt_buf *text,
                      svirt_error *error) noexcept {
  return sdk::Guard(
      error, [&] { return DescribeDomain(RunningKernel(), sdk::CopySized(domain), text, error); });
}

constexpr svirt_describe kDescribe = {
    .struct_size = sizeof(svirt_describe), .reserved = 0, .describe = Describe};

constexpr svirt_config_keys kConfigKeys = sdk::MakeConfigKeys();

const void *FindExtension(std::string_view id) noexcept {
  if (id == SVIRT_EXT_DESCRIBE) {
    return &kDescribe;
  }
  return id == SVIRT_EXT_CONFIG_KEYS ? &kConfigKeys : nullptr;
}

constexpr svirt_plugin kTable = sdk::MakeTable<Probe, Init, FindExtension>(
    {.model = kModel, .version = "1.0.0", .vendor = "svirt", .threads = SVIRT_THREADS_PARALLEL});

}  // namespace
}  // namespace svirt::landlock

// Below the models that confine by policy: they can do more, and are checked by the kernel.
SVIRT_PLUGIN_DEFINE(svirt::landlock::kTable, "landlock", "1.0.0", 0, 100);
