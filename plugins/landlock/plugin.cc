// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin's table: the C side of Driver.
#include <svirt/plugin.h>
#include <svirt/sdk.h>

#include <memory>
#include <string_view>
#include <utility>

#include "driver.h"

#define LANDLOCK_MODEL "landlock"
#define LANDLOCK_VERSION "1.0.0"

struct svirt_instance {
  svirt::landlock::Driver driver;
};

namespace svirt::landlock {

namespace {

static_assert(std::string_view(kModel) == LANDLOCK_MODEL);

svirt_status Probe(const svirt_host *, const char *virt_type, svirt_error *reason) noexcept {
  return sdk::Guard(reason, [&] { return ProbeDriver(RunningKernel(), virt_type, reason); });
}

svirt_status Init(const svirt_host *, svirt_instance **instance, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
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
    svirt_instance made{Driver(std::move(kernel), features)};
    *instance = std::make_unique<svirt_instance>(std::move(made)).release();
    return SVIRT_OK;
  });
}

void Fini(svirt_instance *instance) noexcept {
  delete instance;
}

svirt_status GetModel(svirt_instance *instance, const char *, svirt_model *model,
                      svirt_error *error) noexcept {
  return sdk::Guard(error, [&] { return instance->driver.GetModel(model); });
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

svirt_status VerifyLabel(svirt_instance *, const svirt_domain *domain,
                         svirt_error *error) noexcept {
  return sdk::Guard(error, [&] { return Driver::VerifyLabel(sdk::CopySized(domain), error); });
}

svirt_status GetLabel(svirt_instance *, const svirt_domain *, svirt_label_state *,
                      svirt_error *error) noexcept {
  return sdk::Fail(error, SVIRT_E_NOTSUP, 0,
                   "the kernel cannot be asked which Landlock rules a process runs under");
}

svirt_status SetLabel(svirt_instance *, const svirt_domain *domain, const char *label,
                      svirt_error *error) noexcept {
  return sdk::Guard(error, [&] { return Driver::SetLabel(sdk::CopySized(domain), label, error); });
}

svirt_status PrepareExec(svirt_instance *instance, const svirt_domain *domain, const char *label,
                         svirt_exec *exec, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return instance->driver.PrepareExec(sdk::CopySized(domain), label, exec, error);
  });
}

svirt_status PlanLabel(svirt_instance *instance, const svirt_domain *domain,
                       const svirt_resource *resource, svirt_resource_plan *plan,
                       svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return instance->driver.PlanLabel(sdk::CopySized(domain), sdk::CopySized(resource), plan,
                                      error);
  });
}

svirt_status GetResourceLabel(svirt_instance *, const svirt_resource *, svirt_buf *,
                              svirt_error *error) noexcept {
  return sdk::Fail(error, SVIRT_E_NOTSUP, 0, "Landlock labels no objects");
}

svirt_status SetResourceLabel(svirt_instance *, const svirt_resource *, const char *,
                              svirt_error *error) noexcept {
  return sdk::Fail(error, SVIRT_E_NOTSUP, 0, "Landlock labels no objects");
}

const void *GetExtension(const char *) noexcept {
  return nullptr;
}

constexpr svirt_plugin kTable = {
    .struct_size = sizeof(svirt_plugin),
    .abi_major = SVIRT_ABI_MAJOR,
    .abi_minor = SVIRT_ABI_MINOR,
    .min_host_minor = 0,
    .threads = SVIRT_THREADS_PARALLEL,
    .flags = 0,
    .model = LANDLOCK_MODEL,
    .version = LANDLOCK_VERSION,
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

}  // namespace svirt::landlock

// Below the models that confine by policy: they can do more, and are checked by the kernel.
SVIRT_PLUGIN_DEFINE(svirt::landlock::kTable, LANDLOCK_MODEL, LANDLOCK_VERSION, 0, 100);
