// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin's table: the C side of Driver.
#include <svirt/ext/describe.h>
#include <svirt/plugin.h>
#include <svirt/sdk.h>

#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "compiler.h"
#include "driver.h"

#define APPARMOR_MODEL "apparmor"
#define APPARMOR_VERSION "1.0.0"

struct svirt_instance {
  svirt::apparmor::Driver driver;
};

namespace svirt::apparmor {

namespace {

static_assert(std::string_view(kModel) == APPARMOR_MODEL);

// allow_paths = /one:/another/
svirt_status ReadAllowPaths(const svirt_host *host, std::vector<std::string> *paths,
                            svirt_error *error) {
  const char *value = sdk::Setting(host, "allow_paths");
  std::istringstream list(value != nullptr ? value : "");
  for (std::string path; std::getline(list, path, ':');) {
    if (!path.starts_with('/')) {
      return sdk::Fail(error, SVIRT_E_INVALID, 0,
                       "allow_paths in [model " APPARMOR_MODEL
                       "] of svirt.conf has to be absolute paths with ':' between them, not '%s'",
                       path.c_str());
    }
    paths->push_back(std::move(path));
  }
  return SVIRT_OK;
}

svirt_status ReadSettings(const svirt_host *host, Settings *settings, svirt_error *error) {
  settings->parser = FindParser();
  return ReadAllowPaths(host, &settings->allow_paths, error);
}

svirt_status Probe(const svirt_host *host, const char *virt_type, svirt_error *reason) noexcept {
  return sdk::Guard(reason, [&] {
    Settings settings;
    const svirt_status status = ReadSettings(host, &settings, reason);
    return status == SVIRT_OK ? ProbeDriver(MakeKernelApi().get(), settings, virt_type, reason)
                              : status;
  });
}

svirt_status Init(const svirt_host *host, svirt_instance **instance, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    Settings settings;
    if (const svirt_status status = ReadSettings(host, &settings, error); status != SVIRT_OK) {
      return status;
    }
    svirt_instance made{Driver(MakeKernelApi(), std::move(settings))};
    *instance = std::make_unique<svirt_instance>(std::move(made)).release();
    return SVIRT_OK;
  });
}

void Fini(svirt_instance *instance) noexcept {
  delete instance;
}

svirt_status GetModel(svirt_instance *, const char *, svirt_model *model,
                      svirt_error *error) noexcept {
  return sdk::Guard(error, [&] { return Driver::GetModel(model); });
}

svirt_status LabelSpace(svirt_instance *, const svirt_domain *, const char *, svirt_index_set *set,
                        svirt_error *error) noexcept {
  return sdk::Guard(error, [&] { return Driver::LabelSpace(set); });
}

svirt_status GenerateLabel(svirt_instance *instance, const svirt_domain *domain, uint64_t,
                           svirt_buf *label, svirt_buf *image_label, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return instance->driver.GenerateLabel(sdk::CopySized(domain), label, image_label, error);
  });
}

svirt_status VerifyLabel(svirt_instance *instance, const svirt_domain *domain,
                         svirt_error *error) noexcept {
  return sdk::Guard(error,
                    [&] { return instance->driver.VerifyLabel(sdk::CopySized(domain), error); });
}

svirt_status GetLabel(svirt_instance *instance, const svirt_domain *domain,
                      svirt_label_state *state, svirt_error *error) noexcept {
  return sdk::Guard(
      error, [&] { return instance->driver.GetLabel(sdk::CopySized(domain), state, error); });
}

svirt_status SetLabel(svirt_instance *instance, const svirt_domain *domain, const char *label,
                      svirt_error *error) noexcept {
  return sdk::Guard(
      error, [&] { return instance->driver.SetLabel(sdk::CopySized(domain), label, error); });
}

svirt_status PrepareExec(svirt_instance *instance, const svirt_domain *domain, const char *label,
                         svirt_exec *exec, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return instance->driver.PrepareExec(sdk::CopySized(domain), label, exec, error);
  });
}

svirt_status PlanLabel(svirt_instance *, const svirt_domain *domain, const svirt_resource *resource,
                       svirt_resource_plan *plan, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return Driver::PlanLabel(sdk::CopySized(domain), sdk::CopySized(resource), plan, error);
  });
}

svirt_status GetResourceLabel(svirt_instance *, const svirt_resource *, svirt_buf *,
                              svirt_error *error) noexcept {
  return sdk::Fail(error, SVIRT_E_NOTSUP, 0, "AppArmor labels no objects");
}

svirt_status SetResourceLabel(svirt_instance *, const svirt_resource *, const char *,
                              svirt_error *error) noexcept {
  return sdk::Fail(error, SVIRT_E_NOTSUP, 0, "AppArmor labels no objects");
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

const void *GetExtension(const char *id) noexcept {
  return std::string_view(id) == SVIRT_EXT_DESCRIBE ? &kDescribe : nullptr;
}

constexpr svirt_plugin kTable = {
    .struct_size = sizeof(svirt_plugin),
    .abi_major = SVIRT_ABI_MAJOR,
    .abi_minor = SVIRT_ABI_MINOR,
    .min_host_minor = 0,
    .threads = SVIRT_THREADS_PARALLEL,
    .flags = 0,
    .model = APPARMOR_MODEL,
    .version = APPARMOR_VERSION,
    .vendor = "svirt",
    .probe = Probe,
    .init = Init,
    .fini = Fini,
    .get_model = GetModel,
    .domain_label_space = LabelSpace,
    .domain_generate_label = GenerateLabel,
    .domain_verify_label = VerifyLabel,
    .domain_get_label = GetLabel,
    .domain_set_label = SetLabel,
    .domain_prepare_exec = PrepareExec,
    .resource_plan_label = PlanLabel,
    .resource_get_label = GetResourceLabel,
    .resource_set_label = SetResourceLabel,
    .get_extension = GetExtension,
};

}  // namespace

}  // namespace svirt::apparmor

// Above Landlock, which it can do more than; a kernel has either this or SELinux as its main one.
SVIRT_PLUGIN_DEFINE(svirt::apparmor::kTable, APPARMOR_MODEL, APPARMOR_VERSION, 0, 400);
