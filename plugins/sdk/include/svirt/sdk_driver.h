// SPDX-License-Identifier: MIT
// A plugin as a C++ class: derive from Driver, and let MakeTable make the table that a host calls.
// What every slot has to do stands in between: structs are copied by size, no exception leaves, and
// a call that fails changes no output.
#pragma once

#include <svirt/ext/draft/object_entry.h>
#include <svirt/plugin.h>
#include <svirt/sdk.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

// What the host holds of an instance: always a svirt::sdk::Driver.
struct svirt_instance {};

namespace svirt::sdk {

// The label of the domain's process, and that of its own objects.
struct DomainLabels {
  std::string process, image;
};

// The label a process runs under, and whether it is enforced for this very process.
struct LabelState {
  std::string label;
  bool enforcing = false;
};

// See svirt_resource_plan.
struct ResourcePlan {
  uint32_t action = SVIRT_PLAN_NONE;
  uint32_t flags = 0;
  std::string label, note;
};

// A model at work, one function for each slot of svirt_plugin that has an instance. Their contracts
// are those of the slots (svirt/plugin.h), but for this:
//  - A function may throw.
//  - domain and resource are copies of this header's size, in which 0 or NULL stands for what the
//    host does not know. Walk domain.resources with Resources().
//  - Results are of this header's size too, and zeroed or empty at the call. What a function that
//    fails leaves in them is dropped.
//  - The functions are const, for with SVIRT_THREADS_PARALLEL calls come from many threads at once.
//    What changes all the same is mutable, and behind a lock.
// Functions that are not pure have the answer of a model that has nothing to do there.
class Driver : public svirt_instance {
 public:
  Driver() = default;
  Driver(const Driver &) = delete;
  Driver &operator=(const Driver &) = delete;
  virtual ~Driver() = default;

  virtual svirt_status GetModel(const char *virt_type, svirt_model *model,
                                svirt_error *error) const = 0;
  virtual svirt_status LabelSpace(const svirt_domain &domain, const char *label,
                                  std::vector<svirt_index_run> *runs, svirt_error *error) const = 0;
  virtual svirt_status GenerateLabel(const svirt_domain &domain, uint64_t index,
                                     DomainLabels *labels, svirt_error *error) const = 0;
  virtual svirt_status VerifyLabel(const svirt_domain &domain, svirt_error *error) const = 0;
  virtual svirt_status GetLabel(const svirt_domain &domain, LabelState *state,
                                svirt_error *error) const = 0;
  // As it is: the policy knows all labels already.
  virtual svirt_status SetLabel(const svirt_domain &, const char * /*label*/, svirt_error *) const {
    return SVIRT_OK;
  }
  virtual svirt_status PrepareExec(const svirt_domain &domain, const char *label, svirt_exec *exec,
                                   svirt_error *error) const = 0;
  virtual svirt_status PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                                 ResourcePlan *plan, svirt_error *error) const = 0;
  // Both as they are: a model without labels on objects.
  virtual svirt_status GetResourceLabel(const svirt_resource &, std::string * /*label*/,
                                        svirt_error *error) const {
    return Fail(error, SVIRT_E_NOTSUP, 0, "this model labels no objects");
  }
  virtual svirt_status SetResourceLabel(const svirt_resource &, const char * /*label*/,
                                        svirt_error *error) const {
    return Fail(error, SVIRT_E_NOTSUP, 0, "this model labels no objects");
  }

  // The slots of svirt_object_entry (svirt/ext/draft/object_entry.h), for a model that has entries
  // of a domain's own on objects that it shares. Called only if get_extension hands MakeObjectEntry
  // out. All four as they are: no object needs or has one.
  virtual svirt_status PlanEntry(const svirt_domain &, const svirt_resource &,
                                 std::string * /*entry*/, svirt_error *error) const {
    return Fail(error, SVIRT_E_NODATA, 0, "this model has no entries on objects");
  }
  virtual svirt_status GetEntry(const svirt_resource &, const char * /*entry*/,
                                std::string * /*present*/, svirt_error *error) const {
    return Fail(error, SVIRT_E_NODATA, 0, "this model has no entries on objects");
  }
  virtual svirt_status SetEntry(const svirt_resource &, const char * /*entry*/,
                                svirt_error *error) const {
    return Fail(error, SVIRT_E_NOTSUP, 0, "this model has no entries on objects");
  }
  virtual svirt_status RemoveEntry(const svirt_resource &, const char * /*entry*/,
                                   svirt_error *) const {
    return SVIRT_OK;
  }
};

// The slots without an instance: svirt_plugin.probe, init and get_extension. The first two may
// throw.
using ProbeFunction = svirt_status(const svirt_host *host, const char *virt_type,
                                   svirt_error *reason);
using InitFunction = svirt_status(const svirt_host *host, std::unique_ptr<Driver> *driver,
                                  svirt_error *error);
using ExtensionFunction = const void *(std::string_view id) noexcept;

inline const void *NoExtension(std::string_view) noexcept {
  return nullptr;
}

// The C side of a Driver.
namespace slot {

inline const Driver &Of(const svirt_instance *instance) {
  return *static_cast<const Driver *>(instance);
}

template <ProbeFunction *kProbe>
svirt_status Probe(const svirt_host *host, const char *virt_type, svirt_error *reason) noexcept {
  return Guard(reason, [&] { return kProbe(host, virt_type, reason); });
}

template <InitFunction *kInit>
svirt_status Init(const svirt_host *host, svirt_instance **instance, svirt_error *error) noexcept {
  return Guard(error, [&] {
    std::unique_ptr<Driver> driver;
    const svirt_status status = kInit(host, &driver, error);
    if (status == SVIRT_OK) {
      *instance = driver.release();
    }
    return status;
  });
}

inline void Fini(svirt_instance *instance) noexcept {
  delete static_cast<Driver *>(instance);
}

inline svirt_status GetModel(svirt_instance *instance, const char *virt_type, svirt_model *model,
                             svirt_error *error) noexcept {
  return Guard(error, [&] {
    svirt_model mine{};
    mine.struct_size = sizeof mine;
    const svirt_status status = Of(instance).GetModel(virt_type, &mine, error);
    if (status == SVIRT_OK) {
      StoreSized(model, mine);
    }
    return status;
  });
}

inline svirt_status LabelSpace(svirt_instance *instance, const svirt_domain *domain,
                               const char *label, svirt_index_set *set,
                               svirt_error *error) noexcept {
  return Guard(error, [&] {
    std::vector<svirt_index_run> runs;
    const svirt_status status = Of(instance).LabelSpace(CopySized(domain), label, &runs, error);
    return status == SVIRT_OK ? PutRuns(set, runs, error) : status;
  });
}

inline svirt_status GenerateLabel(svirt_instance *instance, const svirt_domain *domain,
                                  uint64_t index, svirt_buf *label, svirt_buf *image_label,
                                  svirt_error *error) noexcept {
  return Guard(error, [&] {
    DomainLabels labels;
    const svirt_status status =
        Of(instance).GenerateLabel(CopySized(domain), index, &labels, error);
    return status == SVIRT_OK ? PutBoth(label, labels.process, image_label, labels.image) : status;
  });
}

inline svirt_status VerifyLabel(svirt_instance *instance, const svirt_domain *domain,
                                svirt_error *error) noexcept {
  return Guard(error, [&] { return Of(instance).VerifyLabel(CopySized(domain), error); });
}

inline svirt_status GetLabel(svirt_instance *instance, const svirt_domain *domain,
                             svirt_label_state *state, svirt_error *error) noexcept {
  return Guard(error, [&] {
    LabelState mine;
    svirt_status status = Of(instance).GetLabel(CopySized(domain), &mine, error);
    if (status == SVIRT_OK) {
      status = Put(&state->label, mine.label);
    }
    if (status == SVIRT_OK) {
      state->enforcing = mine.enforcing ? 1 : 0;
    }
    return status;
  });
}

inline svirt_status SetLabel(svirt_instance *instance, const svirt_domain *domain,
                             const char *label, svirt_error *error) noexcept {
  return Guard(error, [&] { return Of(instance).SetLabel(CopySized(domain), label, error); });
}

inline svirt_status PrepareExec(svirt_instance *instance, const svirt_domain *domain,
                                const char *label, svirt_exec *exec, svirt_error *error) noexcept {
  return Guard(error, [&] {
    svirt_exec mine{};
    mine.struct_size = sizeof mine;
    const svirt_status status = Of(instance).PrepareExec(CopySized(domain), label, &mine, error);
    if (status == SVIRT_OK) {
      StoreSized(exec, mine);
    }
    return status;
  });
}

inline svirt_status PlanLabel(svirt_instance *instance, const svirt_domain *domain,
                              const svirt_resource *resource, svirt_resource_plan *plan,
                              svirt_error *error) noexcept {
  return Guard(error, [&] {
    ResourcePlan mine;
    svirt_status status =
        Of(instance).PlanLabel(CopySized(domain), CopySized(resource), &mine, error);
    if (status == SVIRT_OK) {
      status = PutBoth(&plan->label, mine.label, &plan->note, mine.note);
    }
    if (status == SVIRT_OK) {
      plan->action = mine.action;
      plan->flags = mine.flags;
    }
    return status;
  });
}

inline svirt_status GetResourceLabel(svirt_instance *instance, const svirt_resource *resource,
                                     svirt_buf *label, svirt_error *error) noexcept {
  return Guard(error, [&] {
    std::string text;
    const svirt_status status = Of(instance).GetResourceLabel(CopySized(resource), &text, error);
    return status == SVIRT_OK ? Put(label, text) : status;
  });
}

inline svirt_status SetResourceLabel(svirt_instance *instance, const svirt_resource *resource,
                                     const char *label, svirt_error *error) noexcept {
  return Guard(error,
               [&] { return Of(instance).SetResourceLabel(CopySized(resource), label, error); });
}

inline svirt_status PlanEntry(svirt_instance *instance, const svirt_domain *domain,
                              const svirt_resource *resource, svirt_buf *entry,
                              svirt_error *error) noexcept {
  return Guard(error, [&] {
    std::string text;
    const svirt_status status =
        Of(instance).PlanEntry(CopySized(domain), CopySized(resource), &text, error);
    return status == SVIRT_OK ? Put(entry, text) : status;
  });
}

inline svirt_status GetEntry(svirt_instance *instance, const svirt_resource *resource,
                             const char *entry, svirt_buf *present, svirt_error *error) noexcept {
  return Guard(error, [&] {
    std::string text;
    const svirt_status status = Of(instance).GetEntry(CopySized(resource), entry, &text, error);
    return status == SVIRT_OK ? Put(present, text) : status;
  });
}

inline svirt_status SetEntry(svirt_instance *instance, const svirt_resource *resource,
                             const char *entry, svirt_error *error) noexcept {
  return Guard(error, [&] { return Of(instance).SetEntry(CopySized(resource), entry, error); });
}

inline svirt_status RemoveEntry(svirt_instance *instance, const svirt_resource *resource,
                                const char *entry, svirt_error *error) noexcept {
  return Guard(error, [&] { return Of(instance).RemoveEntry(CopySized(resource), entry, error); });
}

template <ExtensionFunction *kExtension>
const void *GetExtension(const char *id) noexcept {
  return kExtension(id);
}

}  // namespace slot

// What the table says of the plugin itself; model and version as in SVIRT_PLUGIN_DEFINE.
struct Identity {
  const char *model, *version, *vendor;
  uint16_t threads = SVIRT_THREADS_SERIAL;
  uint16_t min_host_minor = 0;
};

// The table of a plugin, for SVIRT_PLUGIN_DEFINE.
template <ProbeFunction *kProbe, InitFunction *kInit, ExtensionFunction *kExtension = NoExtension>
constexpr svirt_plugin MakeTable(const Identity &identity) {
  return {
      .struct_size = sizeof(svirt_plugin),
      .abi_major = SVIRT_ABI_MAJOR,
      .abi_minor = SVIRT_ABI_MINOR,
      .min_host_minor = identity.min_host_minor,
      .threads = identity.threads,
      .flags = 0,
      .model = identity.model,
      .version = identity.version,
      .vendor = identity.vendor,
      .probe = slot::Probe<kProbe>,
      .init = slot::Init<kInit>,
      .fini = slot::Fini,
      .get_model = slot::GetModel,
      .domain_label_space = slot::LabelSpace,
      .domain_generate_label = slot::GenerateLabel,
      .domain_verify_label = slot::VerifyLabel,
      .domain_get_label = slot::GetLabel,
      .domain_set_label = slot::SetLabel,
      .domain_prepare_exec = slot::PrepareExec,
      .resource_plan_label = slot::PlanLabel,
      .resource_get_label = slot::GetResourceLabel,
      .resource_set_label = slot::SetResourceLabel,
      .get_extension = slot::GetExtension<kExtension>,
  };
}

// The extension SVIRT_EXT_OBJECT_ENTRY over the driver's four functions, for an ExtensionFunction:
//   constexpr svirt_object_entry kObjectEntry = MakeObjectEntry();
constexpr svirt_object_entry MakeObjectEntry() {
  return {
      .struct_size = sizeof(svirt_object_entry),
      .reserved = 0,
      .plan = slot::PlanEntry,
      .get = slot::GetEntry,
      .set = slot::SetEntry,
      .remove = slot::RemoveEntry,
  };
}

}  // namespace svirt::sdk
