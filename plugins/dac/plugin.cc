// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin's table: the C side of Driver.
#include <svirt/plugin.h>
#include <svirt/sdk.h>

#include <memory>
#include <string_view>

#include "driver.h"
#include "probe.h"

#define DAC_MODEL "dac"
#define DAC_VERSION "1.0.0"

struct svirt_instance {
  svirt::dac::Driver driver;
};

namespace svirt::dac {

namespace {

static_assert(std::string_view(kModel) == DAC_MODEL);

svirt_status ProbeRange(const svirt_host *host, const char *virt_type, IdRange *range,
                        svirt_error *reason) {
  const svirt_status status = ReadRange(host, range, reason);
  return status == SVIRT_OK ? ProbeDriver(ReadPrivileges(*range), *range, virt_type, reason)
                            : status;
}

svirt_status Probe(const svirt_host *host, const char *virt_type, svirt_error *reason) noexcept {
  return sdk::Guard(reason, [&] {
    IdRange range;
    return ProbeRange(host, virt_type, &range, reason);
  });
}

svirt_status Init(const svirt_host *host, svirt_instance **instance, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    IdRange range;
    const svirt_status status = ProbeRange(host, nullptr, &range, error);
    if (status != SVIRT_OK) {
      // Only probe may answer "inactive": a driver that was chosen has to work.
      return status == SVIRT_INACTIVE ? svirt_status{SVIRT_E_NOTSUP} : status;
    }
    *instance = std::make_unique<svirt_instance>(svirt_instance{Driver(host, range)}).release();
    return svirt_status{SVIRT_OK};
  });
}

void Fini(svirt_instance *instance) noexcept {
  delete instance;
}

svirt_status GetModel(svirt_instance *, const char *, svirt_model *model,
                      svirt_error *error) noexcept {
  return sdk::Guard(error, [&] { return Driver::GetModel(model); });
}

svirt_status LabelSpace(svirt_instance *instance, const svirt_domain *domain, const char *label,
                        svirt_index_set *set, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return instance->driver.LabelSpace(sdk::CopySized(domain), label, set, error);
  });
}

svirt_status GenerateLabel(svirt_instance *instance, const svirt_domain *domain, uint64_t index,
                           svirt_buf *label, svirt_buf *image_label, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return instance->driver.GenerateLabel(sdk::CopySized(domain), index, label, image_label, error);
  });
}

svirt_status VerifyLabel(svirt_instance *, const svirt_domain *domain,
                         svirt_error *error) noexcept {
  return sdk::Guard(error, [&] { return Driver::VerifyLabel(sdk::CopySized(domain), error); });
}

svirt_status GetLabel(svirt_instance *, const svirt_domain *domain, svirt_label_state *state,
                      svirt_error *error) noexcept {
  return sdk::Guard(error, [&] { return Driver::GetLabel(sdk::CopySized(domain), state, error); });
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

svirt_status PlanLabel(svirt_instance *, const svirt_domain *domain, const svirt_resource *resource,
                       svirt_resource_plan *plan, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return Driver::PlanLabel(sdk::CopySized(domain), sdk::CopySized(resource), plan, error);
  });
}

svirt_status GetResourceLabel(svirt_instance *, const svirt_resource *resource, svirt_buf *label,
                              svirt_error *error) noexcept {
  return sdk::Guard(
      error, [&] { return Driver::GetResourceLabel(sdk::CopySized(resource), label, error); });
}

svirt_status SetResourceLabel(svirt_instance *instance, const svirt_resource *resource,
                              const char *label, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return instance->driver.SetResourceLabel(sdk::CopySized(resource), label, error);
  });
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
    .model = DAC_MODEL,
    .version = DAC_VERSION,
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

}  // namespace svirt::dac

// The last of all: it is meant to stand beside a model that confines by policy.
SVIRT_PLUGIN_DEFINE(svirt::dac::kTable, DAC_MODEL, DAC_VERSION, 0, 0);
