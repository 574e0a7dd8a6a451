// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin's table: every slot turns the host's structs into ours and calls the part that does
// the work.
#include <svirt/ext/config.h>
#include <svirt/ext/draft/access.h>
#include <svirt/ext/draft/build_label.h>
#include <svirt/plugin.h>
#include <svirt/sdk.h>

#include <memory>
#include <string_view>

#include "access.h"
#include "domain_label.h"
#include "flask_classes.h"
#include "label_space.h"
#include "labels.h"
#include "probe.h"
#include "resource_label.h"
#include "xen_api.h"

struct svirt_instance {
  const svirt_host *host;
  std::unique_ptr<svirt::flask::XenApi> api;
};

namespace svirt::flask {
namespace {

// Does the configuration allow domains that nothing keeps apart?
bool MayShare(const svirt_host *host) {
  const char *value = sdk::Setting(host, "shared_base_label");
  return value != nullptr && std::string_view(value) == "yes";
}

svirt_status ProbeSlot(const svirt_host *, const char *virt_type, svirt_error *reason) noexcept {
  return sdk::Guard(reason, [&] { return Probe(MakeLibxenctrlApi().get(), virt_type, reason); });
}

svirt_status InitSlot(const svirt_host *host, svirt_instance **instance,
                      svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    *instance =
        std::make_unique<svirt_instance>(svirt_instance{host, MakeLibxenctrlApi()}).release();
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
    const svirt_status status = label == nullptr
                                    ? AvailableIndexes(instance->api.get(), sdk::CopySized(domain),
                                                       MayShare(instance->host), &runs, error)
                                    : ClaimedIndexes(label, &runs, error);
    return status == SVIRT_OK ? sdk::PutRuns(set, runs, error) : status;
  });
}

svirt_status GenerateSlot(svirt_instance *instance, const svirt_domain *domain, uint64_t index,
                          svirt_buf *label, svirt_buf *image_label, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    DomainLabels labels;
    const svirt_status status = GenerateLabels(instance->api.get(), sdk::CopySized(domain), index,
                                               MayShare(instance->host), &labels, error);
    return status == SVIRT_OK ? sdk::PutBoth(label, labels.domain, image_label, labels.device)
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
        GetDomainLabel(instance->api.get(), sdk::CopySized(domain), &label, &enforcing, error);
    if (status == SVIRT_OK) {
      status = sdk::Put(&state->label, label);
    }
    if (status == SVIRT_OK) {
      state->enforcing = enforcing ? 1 : 0;
    }
    return status;
  });
}

svirt_status SetLabelSlot(svirt_instance *instance, const svirt_domain *domain, const char *label,
                          svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    // The hypervisor keeps nothing of a domain that is gone.
    return label == nullptr
               ? SVIRT_OK
               : SetDomainLabel(instance->api.get(), sdk::CopySized(domain), label, error);
  });
}

// A device model in the control domain runs under that kernel's security module: the child has
// nothing to do.
svirt_status PrepareExecSlot(svirt_instance *instance, const svirt_domain *, const char *label,
                             svirt_exec *exec, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    const svirt_status status = label != nullptr && *label != '\0'
                                    ? CheckCreate(instance->api.get(), label, error)
                                    : SVIRT_OK;
    if (status == SVIRT_OK) {
      exec->op_count = 0;
    }
    return status;
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

svirt_status GetResourceSlot(svirt_instance *, const svirt_resource *, svirt_buf *,
                             svirt_error *error) noexcept {
  return sdk::Fail(error, SVIRT_E_NOTSUP, 0,
                   "the hypervisor takes labels of devices but does not tell them");
}

svirt_status SetResourceSlot(svirt_instance *instance, const svirt_resource *resource,
                             const char *label, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    return SetResourceLabel(instance->api.get(), sdk::CopySized(resource),
                            label != nullptr ? std::optional<std::string>(label) : std::nullopt,
                            error);
  });
}

svirt_status AskSlot(svirt_instance *instance, const char *source, const char *target,
                     uint32_t *may, svirt_error *error) noexcept {
  return sdk::Guard(error,
                    [&] { return AskAccess(instance->api.get(), source, target, may, error); });
}

svirt_status BuildLabelSlot(svirt_instance *instance, const char *label, svirt_buf *build_label,
                            svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    std::string text;
    const svirt_status status = FindBuildLabel(instance->api.get(), label, &text, error);
    return status == SVIRT_OK ? sdk::Put(build_label, text) : status;
  });
}

constexpr svirt_access kAccess = {
    .struct_size = sizeof(svirt_access), .reserved = 0, .ask = AskSlot};
constexpr svirt_build_label kBuildLabel = {
    .struct_size = sizeof(svirt_build_label), .reserved = 0, .get = BuildLabelSlot};

const void *GetExtensionSlot(const char *id) noexcept {
  const std::string_view wanted = id;
  return wanted == SVIRT_EXT_ACCESS        ? static_cast<const void *>(&kAccess)
         : wanted == SVIRT_EXT_BUILD_LABEL ? static_cast<const void *>(&kBuildLabel)
                                           : nullptr;
}

constexpr svirt_plugin kPlugin = {
    .struct_size = sizeof(svirt_plugin),
    .abi_major = SVIRT_ABI_MAJOR,
    .abi_minor = SVIRT_ABI_MINOR,
    .min_host_minor = 0,
    .threads = SVIRT_THREADS_SERIAL,
    .flags = 0,
    .model = "flask",
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
}  // namespace svirt::flask

// Beside models of the kernel: it is asked for domains of another hypervisor.
SVIRT_PLUGIN_DEFINE(svirt::flask::kPlugin, "flask", "1.0.0", 0, 600);
