// SPDX-License-Identifier: MIT
// A plugin to start from: a made-up object model that names each domain "example:INDEX". It
// confines nothing, so its probe never says "active" and no host will choose it. Copy it, give it a
// model name of your own, and replace the slots one after the other; the contract of each stands in
// svirt/plugin.h.
#include <svirt/plugin.h>
#include <svirt/sdk.h>

#include <charconv>
#include <memory>
#include <string>

#define EXAMPLE_MODEL "example"
#define EXAMPLE_VERSION "1.0.0"

// What init makes: whatever the model has to remember. Labels and their owners are the host's.
struct svirt_instance {
  const svirt_host *host;
};

namespace {

using svirt::sdk::CopySized;
using svirt::sdk::Fail;
using svirt::sdk::Guard;

constexpr std::string_view kPrefix = "example:";
constexpr uint64_t kLabels = 1000;

bool ParseLabel(std::string_view label, uint64_t *index) {
  if (!label.starts_with(kPrefix)) {
    return false;
  }
  const char *end = label.data() + label.size();
  const auto [at, error] = std::from_chars(label.data() + kPrefix.size(), end, *index);
  return error == std::errc() && at == end && *index < kLabels;
}

svirt_status Probe(const svirt_host *, const char *, svirt_error *reason) noexcept {
  // Do here what tells that the model really works, such as having the kernel check a label; then
  // return SVIRT_OK. Never "active" because something is merely installed.
  return Fail(reason, SVIRT_INACTIVE, 0, "the example plugin confines nothing");
}

svirt_status Init(const svirt_host *host, svirt_instance **instance, svirt_error *error) noexcept {
  return Guard(error, [&] {
    *instance = std::make_unique<svirt_instance>(svirt_instance{host}).release();
    return SVIRT_OK;
  });
}

void Fini(svirt_instance *instance) noexcept {
  delete instance;
}

svirt_status GetModel(svirt_instance *, const char *, svirt_model *model, svirt_error *) noexcept {
  svirt_model mine{};
  mine.flags = SVIRT_MODEL_OBJECT;
  std::memcpy(mine.model, EXAMPLE_MODEL, sizeof EXAMPLE_MODEL);
  svirt::sdk::StoreSized(model, mine);
  return SVIRT_OK;
}

svirt_status LabelSpace(svirt_instance *, const svirt_domain *, const char *label,
                        svirt_index_set *set, svirt_error *error) noexcept {
  svirt_index_run run{0, kLabels};
  if (label != nullptr) {
    if (!ParseLabel(label, &run.first)) {
      return Fail(error, SVIRT_E_INVALID, 0, "'%s' is no label of the form example:N", label);
    }
    run.count = 1;
  }
  set->run_count = 1;
  if (set->run_capacity < 1) {
    return SVIRT_E_RANGE;
  }
  set->runs[0] = run;
  return SVIRT_OK;
}

svirt_status GenerateLabel(svirt_instance *, const svirt_domain *theirs, uint64_t index,
                           svirt_buf *label, svirt_buf *image_label, svirt_error *error) noexcept {
  return Guard(error, [&]() -> svirt_status {
    const svirt_domain domain = CopySized(theirs);
    std::string text;
    if (domain.label_type == SVIRT_LABEL_DYNAMIC) {
      text = std::string(kPrefix) + std::to_string(index);
    } else if (domain.label_type == SVIRT_LABEL_STATIC && domain.label != nullptr) {
      text = domain.label;
    }
    uint64_t checked = 0;
    if (domain.label_type != SVIRT_LABEL_NONE && !ParseLabel(text, &checked)) {
      return Fail(error, SVIRT_E_INVALID, 0, "'%s' is no label of the form example:N with N < %u",
                  text.c_str(), static_cast<unsigned>(kLabels));
    }
    return svirt::sdk::PutBoth(label, text, image_label, text);
  });
}

svirt_status VerifyLabel(svirt_instance *, const svirt_domain *theirs,
                         svirt_error *error) noexcept {
  const svirt_domain domain = CopySized(theirs);
  const char *label = domain.label != nullptr ? domain.label : "";
  const bool needed = domain.label_type == SVIRT_LABEL_STATIC || *label != '\0';
  uint64_t index = 0;
  if (needed && !ParseLabel(label, &index)) {
    return Fail(error, SVIRT_E_INVALID, 0, "'%s' is no label of the form example:N", label);
  }
  return SVIRT_OK;
}

svirt_status GetLabel(svirt_instance *, const svirt_domain *, svirt_label_state *,
                      svirt_error *error) noexcept {
  return Fail(error, SVIRT_E_NOTSUP, 0, "the example model labels no processes");
}

svirt_status SetLabel(svirt_instance *, const svirt_domain *, const char *,
                      svirt_error *) noexcept {
  return SVIRT_OK;  // an object model has nothing to load
}

svirt_status PrepareExec(svirt_instance *, const svirt_domain *, const char *, svirt_exec *,
                         svirt_error *error) noexcept {
  // A real model fills in exec->op[0], for example kind SVIRT_EXEC_PROCATTR with attr "exec" and
  // the label as data, and sets op_count to 1. The host does it in the child.
  return Fail(error, SVIRT_E_NOTSUP, 0, "the example model cannot confine a process");
}

svirt_status PlanLabel(svirt_instance *, const svirt_domain *theirs,
                       const svirt_resource *their_resource, svirt_resource_plan *plan,
                       svirt_error *error) noexcept {
  return Guard(error, [&] {
    const svirt_domain domain = CopySized(theirs);
    const svirt_resource resource = CopySized(their_resource);
    // What only this domain writes gets its label; what many read is left as it is.
    const bool own = (resource.access & SVIRT_ACCESS_WRITE) != 0 &&
                     (resource.flags & SVIRT_RES_SHARED) == 0 && domain.image_label != nullptr;
    const svirt_status status =
        svirt::sdk::PutBoth(&plan->label, own ? domain.image_label : "", &plan->note, "");
    if (status == SVIRT_OK) {
      plan->action = own ? SVIRT_PLAN_SET : SVIRT_PLAN_NONE;
      plan->flags = own ? SVIRT_PLAN_EXCLUSIVE : 0;
    }
    return status;
  });
}

svirt_status GetResourceLabel(svirt_instance *, const svirt_resource *, svirt_buf *,
                              svirt_error *error) noexcept {
  return Fail(error, SVIRT_E_NOTSUP, 0, "the example model stores no labels");
}

svirt_status SetResourceLabel(svirt_instance *, const svirt_resource *, const char *,
                              svirt_error *error) noexcept {
  return Fail(error, SVIRT_E_NOTSUP, 0, "the example model stores no labels");
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
    .model = EXAMPLE_MODEL,
    .version = EXAMPLE_VERSION,
    .vendor = "com.example",
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

SVIRT_PLUGIN_DEFINE(kTable, EXAMPLE_MODEL, EXAMPLE_VERSION, 0, 0);
