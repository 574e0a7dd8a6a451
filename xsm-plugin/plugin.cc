// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin: its slots, each of which is one of the parts that do the work, on libxenctrl.
#include <svirt/ext/draft/access.h>
#include <svirt/ext/draft/build_label.h>

#include <memory>

#include "access.h"
#include "domain_label.h"
#include "label_space.h"
#include "labels.h"
#include "probe.h"
#include "resource_label.h"
#include "xen_api.h"

namespace svirt::flask {
namespace {

class Driver : public sdk::Driver {
 public:
  explicit Driver(const svirt_host *host) : host_(host) {}

  svirt_status GetModel(const char *virt_type, svirt_model *model,
                        svirt_error *error) const override {
    return flask::GetModel(api(), virt_type, model, error);
  }

  svirt_status LabelSpace(const svirt_domain &domain, const char *label,
                          std::vector<svirt_index_run> *runs, svirt_error *error) const override {
    return label == nullptr ? AvailableIndexes(api(), domain, MayShare(), runs, error)
                            : ClaimedIndexes(label, runs, error);
  }

  svirt_status GenerateLabel(const svirt_domain &domain, uint64_t index, DomainLabels *labels,
                             svirt_error *error) const override {
    return GenerateLabels(api(), domain, index, MayShare(), labels, error);
  }

  svirt_status VerifyLabel(const svirt_domain &domain, svirt_error *error) const override {
    return VerifyDomain(api(), domain, error);
  }

  svirt_status GetLabel(const svirt_domain &domain, sdk::LabelState *state,
                        svirt_error *error) const override {
    return GetDomainLabel(api(), domain, &state->label, &state->enforcing, error);
  }

  svirt_status SetLabel(const svirt_domain &domain, const char *label,
                        svirt_error *error) const override {
    // The hypervisor keeps nothing of a domain that is gone.
    return label == nullptr ? SVIRT_OK : SetDomainLabel(api(), domain, label, error);
  }

  // A device model in the control domain runs under that kernel's security module: the child has
  // nothing to do.
  svirt_status PrepareExec(const svirt_domain &, const char *label, svirt_exec *,
                           svirt_error *error) const override {
    return label != nullptr && *label != '\0' ? CheckCreate(api(), label, error) : SVIRT_OK;
  }

  svirt_status PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                         sdk::ResourcePlan *plan, svirt_error *error) const override {
    return flask::PlanLabel(api(), domain, resource, plan, error);
  }

  svirt_status GetResourceLabel(const svirt_resource &, std::string *,
                                svirt_error *error) const override {
    return sdk::Fail(error, SVIRT_E_NOTSUP, 0,
                     "the hypervisor takes labels of devices but does not tell them");
  }

  svirt_status SetResourceLabel(const svirt_resource &resource, const char *label,
                                svirt_error *error) const override {
    return flask::SetResourceLabel(
        api(), resource, label != nullptr ? std::optional<std::string>(label) : std::nullopt,
        error);
  }

  XenApi *api() const { return api_.get(); }

 private:
  // Does the configuration allow domains that nothing keeps apart?
  bool MayShare() const {
    const char *value = sdk::Setting(host_, "shared_base_label");
    return value != nullptr && std::string_view(value) == "yes";
  }

  const svirt_host *host_;
  std::unique_ptr<XenApi> api_ = MakeLibxenctrlApi();
};

XenApi *ApiOf(const svirt_instance *instance) {
  return static_cast<const Driver *>(instance)->api();
}

svirt_status AskSlot(svirt_instance *instance, const char *source, const char *target,
                     uint32_t *may, svirt_error *error) noexcept {
  return sdk::Guard(error, [&] { return AskAccess(ApiOf(instance), source, target, may, error); });
}

svirt_status BuildLabelSlot(svirt_instance *instance, const char *label, svirt_buf *build_label,
                            svirt_error *error) noexcept {
  return sdk::Guard(error, [&] {
    std::string text;
    const svirt_status status = FindBuildLabel(ApiOf(instance), label, &text, error);
    return status == SVIRT_OK ? sdk::Put(build_label, text) : status;
  });
}

constexpr svirt_config_key kKeys[] = {
    {.name = "shared_base_label",
     .default_value = "no",
     .help = "may domains share the base label, so that nothing keeps them apart?",
     .type = SVIRT_CONFIG_BOOL,
     .reserved = 0},
};
constexpr svirt_config_keys kConfigKeys = sdk::MakeConfigKeys(kKeys);

constexpr svirt_access kAccess = {
    .struct_size = sizeof(svirt_access), .reserved = 0, .ask = AskSlot};
constexpr svirt_build_label kBuildLabel = {
    .struct_size = sizeof(svirt_build_label), .reserved = 0, .get = BuildLabelSlot};

const void *FindExtension(std::string_view id) noexcept {
  return id == SVIRT_EXT_ACCESS        ? static_cast<const void *>(&kAccess)
         : id == SVIRT_EXT_BUILD_LABEL ? static_cast<const void *>(&kBuildLabel)
         : id == SVIRT_EXT_CONFIG_KEYS ? static_cast<const void *>(&kConfigKeys)
                                       : nullptr;
}

svirt_status ProbeSystem(const svirt_host *, const char *virt_type, svirt_error *reason) {
  return Probe(MakeLibxenctrlApi().get(), virt_type, reason);
}

svirt_status Init(const svirt_host *host, std::unique_ptr<sdk::Driver> *driver, svirt_error *) {
  *driver = std::make_unique<Driver>(host);
  return SVIRT_OK;
}

// Serial: the library writes the last error of a handle without a lock (xc_reportv), and the handle
// is opened at the first call.
constexpr svirt_plugin kTable = sdk::MakeTable<ProbeSystem, Init, FindExtension>(
    {.model = "flask", .version = "1.0.0", .vendor = "svirt", .threads = SVIRT_THREADS_SERIAL});

}  // namespace
}  // namespace svirt::flask

// Beside models of the kernel: it is asked for domains of another hypervisor.
SVIRT_PLUGIN_DEFINE(svirt::flask::kTable, "flask", "1.0.0", 0, 600);
