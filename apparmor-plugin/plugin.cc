// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin: Driver where the system keeps its things.
#include <svirt/ext/describe.h>

#include "compiler.h"
#include "driver.h"

namespace svirt::apparmor {
namespace {

Settings ReadSettings() {
  Settings settings;
  settings.parser = FindParser();
  return settings;
}

svirt_status Probe(const svirt_host *, const char *virt_type, svirt_error *reason) {
  return ProbeDriver(MakeKernelApi().get(), ReadSettings(), virt_type, reason);
}

svirt_status Init(const svirt_host *, std::unique_ptr<sdk::Driver> *driver, svirt_error *) {
  *driver = std::make_unique<Driver>(MakeKernelApi(), ReadSettings());
  return SVIRT_OK;
}

svirt_status Describe(const svirt_host *, const svirt_domain *domain, svirt_buf *text,
                      svirt_error *error) noexcept {
  return sdk::Guard(
      error, [&] { return DescribeDomain(ReadSettings(), sdk::CopySized(domain), text, error); });
}

constexpr svirt_config_keys kConfigKeys = sdk::MakeConfigKeys();
constexpr svirt_describe kDescribe = {
    .struct_size = sizeof(svirt_describe), .reserved = 0, .describe = Describe};

const void *FindExtension(std::string_view id) noexcept {
  return id == SVIRT_EXT_DESCRIBE      ? static_cast<const void *>(&kDescribe)
         : id == SVIRT_EXT_CONFIG_KEYS ? static_cast<const void *>(&kConfigKeys)
                                       : nullptr;
}

constexpr svirt_plugin kTable = sdk::MakeTable<Probe, Init, FindExtension>(
    {.model = kModel, .version = "1.0.0", .vendor = "svirt", .threads = SVIRT_THREADS_PARALLEL});

}  // namespace
}  // namespace svirt::apparmor

// Above Landlock, which it can do more than; a kernel has either this or SELinux as its main one.
SVIRT_PLUGIN_DEFINE(svirt::apparmor::kTable, "apparmor", "1.0.0", 0, 400);
