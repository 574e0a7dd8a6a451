// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin's table: every slot turns the host's structs into ours and calls the part that does
// the work.
#include <svirt/plugin.h>
#include <svirt/sdk.h>

#include <memory>

#include "exec_check.h"
#include "labels.h"
#include "probe.h"
#include "resource_label.h"
#include "resource_plan.h"
#include "selinux_api.h"

struct svirt_instance {
  const svirt_host *host;
  std::unique_ptr<svirt::selinux::SelinuxApi> api;
};

namespace svirt::selinux {
namespace {

svirt_status ProbeSlot(const svirt_host *host, const char *virt_type,
                       svirt_error *reason) noexcept {
  return sdk::Guard(reason,
                    [&] { return Probe(MakeLibselinuxApi().get(), host, virt_type, reason); });
}

svirt_status InitSlot(const svirt_host *host, svirt_instance **instance,
                      svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    *instance =
        std::make_unique<svirt_instance>(svirt_instance{host, MakeLibselinuxApi()}).release();
    return SVIRT_OK;
  });
}

void FiniSlot(svirt_instance *instance) noexcept {
  delete instance;
}

svirt_status GetModelSlot(svirt_instance *instance, const char *virt_type, svirt_model *model,
                          svirt_error *error) noexcept {
  return sdk::Guard(error, [&] { return GetModel(instance->api.get(), virt_type, model, error); });
}

svirt_status LabelSpaceSlot(svirt_instance *instance, const svirt_domain *domain, const char *label,
                            svirt_index_set *set, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    std::vector<svirt_index_run> runs;
    const svirt_domain mine = sdk::CopySized(domain);
    const svirt_status status = label == nullptr
                                    ? AvailablePairs(instance->api.get(), mine, &runs, error)
                                    : ClaimedPairs(instance->api.get(), mine, label, &runs, error);
    return status == SVIRT_OK ? sdk::PutRuns(set, runs, error) : status;
  });
}

svirt_status GenerateSlot(svirt_instance *instance, const svirt_domain *domain, uint64_t index,
                          svirt_buf *label, svirt_buf *image_label, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    DomainLabels labels;
    const svirt_status status =
        GenerateLabels(instance->api.get(), sdk::CopySized(domain), index, &labels, error);
    return status == SVIRT_OK ? sdk::PutBoth(label, labels.process, image_label, labels.image)
                              : status;
  });
}

svirt_status VerifySlot(svirt_instance *instance, const svirt_domain *domain,
                        svirt_error *error) noexcept {
  return sdk::Guard(
      error, [&] { return VerifyDomain(instance->api.get(), sdk::CopySized(domain), error); });
}

svirt_status GetLabelSlot(svirt_instance *instance, const svirt_domain *domain,
                          svirt_label_state *state, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    std::string label;
    bool enforcing = false;
    svirt_status status =
        GetProcessLabel(instance->api.get(), sdk::CopySized(domain), &label, &enforcing, error);
    if (status == SVIRT_OK) {
      status = sdk::Put(&state->label, label);
    }
    if (status == SVIRT_OK) {
      state->enforcing = enforcing ? 1 : 0;
    }
    return status;
  });
}

// The policy knows all labels already.
svirt_status SetLabelSlot(svirt_instance *, const svirt_domain *, const char *,
                          svirt_error *) noexcept {
  return SVIRT_OK;
}

svirt_status PrepareExecSlot(svirt_instance *instance, const svirt_domain *domain,
                             const char *label, svirt_exec *exec, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return PrepareExec(instance->api.get(), instance->host, sdk::CopySized(domain),
                       label != nullptr ? label : "", exec, error);
  });
}

svirt_status PlanSlot(svirt_instance *instance, const svirt_domain *domain,
                      const svirt_resource *resource, svirt_resource_plan *plan,
                      svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    PlannedLabel planned;
    svirt_status status = PlanLabel(instance->api.get(), sdk::CopySized(domain),
                                    sdk::CopySized(resource), &planned, error);
    if (status == SVIRT_OK) {
      status = sdk::PutBoth(&plan->label, planned.label, &plan->note, planned.note);
    }
    if (status == SVIRT_OK) {
      plan->action = planned.action;
      plan->flags = planned.flags;
    }
    return status;
  });
}

svirt_status GetResourceSlot(svirt_instance *instance, const svirt_resource *resource,
                             svirt_buf *label, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    std::string text;
    const svirt_status status =
        GetResourceLabel(instance->api.get(), sdk::CopySized(resource), &text, error);
    return status == SVIRT_OK ? sdk::Put(label, text) : status;
  });
}

svirt_status SetResourceSlot(svirt_instance *instance, const svirt_resource *resource,
                             const char *label, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return SetResourceLabel(instance->api.get(), sdk::CopySized(resource),
                            label != nullptr ? std::optional<std::string>(label) : std::nullopt,
                            error);
  });
}

const void *GetExtensionSlot(const char *) noexcept {
  return nullptr;
}

constexpr svirt_plugin kPlugin = {
    .struct_size = sizeof(svirt_plugin),
    .abi_major = SVIRT_ABI_MAJOR,
    .abi_minor = SVIRT_ABI_MINOR,
    .min_host_minor = 0,
    .threads = SVIRT_THREADS_SERIAL,
    .flags = 0,
    .model = "selinux",
    .version = "1.0.0",
    .vendor = "svirt",
    .probe = ProbeSlot,
    .init = InitSlot,
    .fini = FiniSlot,
    .get_model = GetModelSlot,
    .domain_label_space = LabelSpaceSlot,
    .domain_generate_label = GenerateSlot,
    .domain_verify_label = VerifySlot,
    .domain_get_label = GetLabelSlot,
    .domain_set_label = SetLabelSlot,
    .domain_prepare_exec = PrepareExecSlot,
    .resource_plan_label = PlanSlot,
    .resource_get_label = GetResourceSlot,
    .resource_set_label = SetResourceSlot,
    .get_extension = GetExtensionSlot,
};

}  // namespace
}  // namespace svirt::selinux

SVIRT_PLUGIN_DEFINE(svirt::selinux::kPlugin, "selinux", "1.0.0", 0, 500);
