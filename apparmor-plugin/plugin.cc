// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin: Driver where the system keeps its things.
#include <svirt/ext/describe.h>

#include "compiler.h"
#include "driver.h"

namespace svirt::apparmor {
namespace {

svirt_status ReadSettings(const svirt_host *host, Settings *settings, svirt_error *error) {
  if (sdk::Setting(host, "allow_paths") != nullptr) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "allow_paths in [model apparmor] of svirt.conf is not known: write it under "
                     "[confinement], where it holds for every model");
  }
  settings->parser = FindParser();
  return SVIRT_OK;
}

svirt_status Probe(const svirt_host *host, const char *virt_type, svirt_error *reason) {
  Settings settings;
  const svirt_status status = ReadSettings(host, &settings, reason);
  return status == SVIRT_OK ? ProbeDriver(MakeKernelApi().get(), settings, virt_type, reason)
                            : status;
}

svirt_status Init(const svirt_host *host, std::unique_ptr<sdk::Driver> *driver,
                  svirt_error *error) {
  Settings settings;
  if (const svirt_status status = ReadSettings(host, &settings, error); status != SVIRT_OK) {
    return status;
  }
  *driver = std::make_unique<Driver>(MakeKernelApi(), std::move(settings));
  return SVIRT_OK;
}

svirt_status Describe(const svirt_host *host, const svirt_domain *domain, svirt_buf *text,
                      svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    Settings settings;
    const svirt_status status = ReadSettings(host, &settings, error);
    return status == SVIRT_OK ? DescribeDomain(settings, sdk::CopySized(domain), text, error)
                              : status;
  });
}

constexpr svirt_describe kDescribe = {
    .struct_size = sizeof(svirt_describe), .reserved = 0, .describe = Describe};

const void *FindExtension(std::string_view id) noexcept {
  return id == SVIRT_EXT_DESCRIBE ? &kDescribe : nullptr;
}

constexpr svirt_plugin kTable = sdk::MakeTable<Probe, Init, FindExtension>(
    {.model = kModel, .version = "1.0.0", .vendor = "svirt", .threads = SVIRT_THREADS_PARALLEL});

}  // namespace
}  // namespace svirt::apparmor

// Above Landlock, which it can do more than; a kernel has either this or SELinux as its main one.
SVIRT_PLUGIN_DEFINE(svirt::apparmor::kTable, "apparmor", "1.0.0", 0, 400);
