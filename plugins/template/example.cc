// SPDX-License-Identifier: MIT
// A plugin to start from: a made-up object model that names each domain "example:INDEX". It
// confines nothing, so its probe never says "active" and no host will choose it. Copy it, give it a
// model name of your own, and replace the functions one after the other; the contract of each is
// that of the slot of its name in svirt/plugin.h.
#include <svirt/sdk_driver.h>

#include <charconv>

#define EXAMPLE_MODEL "example"
#define EXAMPLE_VERSION "1.0.0"

namespace {

using svirt::sdk::Fail;

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

// Keeps nothing between calls: labels and their owners are the host's. SetLabel is left as the SDK
// has it, for a model that loads no policy; so are GetResourceLabel and SetResourceLabel, which a
// real object model has of its own.
class Example : public svirt::sdk::Driver {
 public:
  svirt_status GetModel(const char *, svirt_model *model, svirt_error *) const override {
    model->flags = SVIRT_MODEL_OBJECT;
    svirt::sdk::CopyText(model->model, EXAMPLE_MODEL);
    return SVIRT_OK;
  }

  svirt_status LabelSpace(const svirt_domain &, const char *label,
                          std::vector<svirt_index_run> *runs, svirt_error *error) const override {
    if (label == nullptr) {
      *runs = {{0, kLabels}};
      return SVIRT_OK;
    }
    uint64_t index = 0;
    const svirt_status status = Check(label, &index, error);
    *runs = {{index, 1}};
    return status;
  }

  svirt_status GenerateLabel(const svirt_domain &domain, uint64_t index,
                             svirt::sdk::DomainLabels *labels, svirt_error *error) const override {
    std::string text;
    if (domain.label_type == SVIRT_LABEL_DYNAMIC) {
      text = std::string(kPrefix) + std::to_string(index);
    } else if (domain.label_type == SVIRT_LABEL_STATIC && domain.label != nullptr) {
      text = domain.label;
    }
    *labels = {text, text};
    return domain.label_type == SVIRT_LABEL_NONE ? SVIRT_OK : Check(text, &index, error);
  }

  svirt_status VerifyLabel(const svirt_domain &domain, svirt_error *error) const override {
    const std::string label = domain.label != nullptr ? domain.label : "";
    uint64_t index = 0;
    const bool needed = domain.label_type == SVIRT_LABEL_STATIC || !label.empty();
    return needed ? Check(label, &index, error) : SVIRT_OK;
  }

  svirt_status GetLabel(const svirt_domain &, svirt::sdk::LabelState *,
                        svirt_error *error) const override {
    return Fail(error, SVIRT_E_NOTSUP, 0, "the example model labels no processes");
  }

  svirt_status PrepareExec(const svirt_domain &, const char *, svirt_exec *,
                           svirt_error *error) const override {
    // A real model fills in exec->op[0], for example kind SVIRT_EXEC_PROCATTR with attr "exec" and
    // the label as data, and sets op_count to 1. The host does it in the child.
    return Fail(error, SVIRT_E_NOTSUP, 0, "the example model cannot confine a process");
  }

  svirt_status PlanLabel(const svirt_domain &domain, const svirt_resource &resource,
                         svirt::sdk::ResourcePlan *plan, svirt_error *) const override {
    // What only this domain writes gets its label; what many read is left as it is.
    if ((resource.access & SVIRT_ACCESS_WRITE) != 0 && (resource.flags & SVIRT_RES_SHARED) == 0 &&
        domain.image_label != nullptr) {
      *plan = {SVIRT_PLAN_SET, SVIRT_PLAN_EXCLUSIVE, domain.image_label, ""};
    }
    return SVIRT_OK;
  }

 private:
  static svirt_status Check(const std::string &label, uint64_t *index, svirt_error *error) {
    return ParseLabel(label, index) ? SVIRT_OK
                                    : Fail(error, SVIRT_E_INVALID, 0,
                                           "'%s' is no label of the form example:N with N < %u",
                                           label.c_str(), static_cast<unsigned>(kLabels));
  }
};

svirt_status Probe(const svirt_host *, const char *, svirt_error *reason) {
  // Do here what tells that the model really works, such as having the kernel check a label; then
  // return SVIRT_OK. Never "active" because something is merely installed.
  return Fail(reason, SVIRT_INACTIVE, 0, "the example plugin confines nothing");
}

svirt_status Init(const svirt_host *, std::unique_ptr<svirt::sdk::Driver> *driver, svirt_error *) {
  *driver = std::make_unique<Example>();
  return SVIRT_OK;
}

constexpr svirt_plugin kTable =
    svirt::sdk::MakeTable<Probe, Init>({.model = EXAMPLE_MODEL,
                                        .version = EXAMPLE_VERSION,
                                        .vendor = "com.example",
                                        .threads = SVIRT_THREADS_PARALLEL});

}  // namespace

// Priority 0: used only where a host's configuration names it. From 1 on it may be chosen by
// itself.
SVIRT_PLUGIN_DEFINE(kTable, EXAMPLE_MODEL, EXAMPLE_VERSION, 0, 0);
