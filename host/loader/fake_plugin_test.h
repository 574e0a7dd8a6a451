// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests: a plugin whose functions are lambdas of the test.
#pragma once

#include <svirt/plugin.h>

#include <cstring>
#include <functional>
#include <string_view>

// Defined by the plugin, as the ABI asks.
struct svirt_instance {
  std::function<svirt_status(svirt_error *)> probe, init;
  std::function<void()> fini;
  std::function<svirt_status(const char *, svirt_model *)> get_model;
  std::function<svirt_status(const svirt_domain *, const char *, svirt_index_set *)> label_space;
  std::function<svirt_status(svirt_buf *, svirt_buf *)> generate;
  std::function<svirt_status(const svirt_domain *, svirt_error *)> verify;
  std::function<svirt_status(svirt_label_state *)> get_label;
  std::function<svirt_status(const char *)> set_label;
  std::function<svirt_status(svirt_exec *)> prepare_exec;
  std::function<svirt_status(const svirt_resource *, svirt_resource_plan *)> plan;
  std::function<svirt_status(svirt_buf *)> get_resource;
  std::function<svirt_status(const char *)> set_resource;
  const svirt_host *host = nullptr;
};

namespace svirt {

// Everything succeeds and says as little as it may, until a test gives a slot another lambda.
class FakePlugin {
 public:
  FakePlugin();
  ~FakePlugin() { current_ = nullptr; }
  FakePlugin(const FakePlugin &) = delete;
  FakePlugin &operator=(const FakePlugin &) = delete;

  svirt_plugin table{};
  svirt_instance does;

 private:
  // probe and init are given no instance, so only one FakePlugin may exist at a time.
  static inline FakePlugin *current_ = nullptr;
};

inline svirt_status PutText(svirt_buf *buf, std::string_view text) {
  buf->used = static_cast<uint32_t>(text.size() + 1);
  if (buf->used > buf->size) {
    return SVIRT_E_RANGE;
  }
  std::memcpy(buf->data, text.data(), text.size());
  buf->data[text.size()] = '\0';
  return SVIRT_OK;
}

inline FakePlugin::FakePlugin() {
  current_ = this;
  does.probe = does.init = [](svirt_error *) { return SVIRT_OK; };
  does.fini = [] {};
  does.get_model = [](const char *, svirt_model *model) {
    model->flags = SVIRT_MODEL_OBJECT;
    model->enforcing = 1;
    std::strcpy(model->model, "fake");
    return SVIRT_OK;
  };
  does.label_space = [](const svirt_domain *, const char *, svirt_index_set *) { return SVIRT_OK; };
  does.generate = [](svirt_buf *label, svirt_buf *image) {
    PutText(image, "image");
    return PutText(label, "label");
  };
  does.verify = [](const svirt_domain *, svirt_error *) { return SVIRT_OK; };
  does.get_label = [](svirt_label_state *state) { return PutText(&state->label, "label"); };
  does.set_label = does.set_resource = [](const char *) { return SVIRT_OK; };
  does.prepare_exec = [](svirt_exec *) { return SVIRT_OK; };
  does.plan = [](const svirt_resource *, svirt_resource_plan *) { return SVIRT_OK; };
  does.get_resource = [](svirt_buf *label) { return PutText(label, "label"); };

  table.struct_size = sizeof table;
  table.abi_major = SVIRT_ABI_MAJOR;
  table.abi_minor = SVIRT_ABI_MINOR;
  table.threads = SVIRT_THREADS_PARALLEL;
  table.model = "fake";
  table.version = "1";
  table.vendor = "tests";
  table.probe = [](const svirt_host *host, const char *, svirt_error *reason) noexcept {
    current_->does.host = host;
    return current_->does.probe(reason);
  };
  table.init = [](const svirt_host *host, svirt_instance **out, svirt_error *error) noexcept {
    current_->does.host = host;
    *out = &current_->does;
    return current_->does.init(error);
  };
  table.fini = [](svirt_instance *self) noexcept { self->fini(); };
  table.get_model = [](svirt_instance *self, const char *type, svirt_model *model,
                       svirt_error *) noexcept { return self->get_model(type, model); };
  table.domain_label_space = [](svirt_instance *self, const svirt_domain *domain, const char *label,
                                svirt_index_set *set, svirt_error *) noexcept {
    return self->label_space(domain, label, set);
  };
  table.domain_generate_label = [](svirt_instance *self, const svirt_domain *, uint64_t,
                                   svirt_buf *label, svirt_buf *image,
                                   svirt_error *) noexcept { return self->generate(label, image); };
  table.domain_verify_label = [](svirt_instance *self, const svirt_domain *domain,
                                 svirt_error *error) noexcept {
    return self->verify(domain, error);
  };
  table.domain_get_label = [](svirt_instance *self, const svirt_domain *, svirt_label_state *state,
                              svirt_error *) noexcept { return self->get_label(state); };
  table.domain_set_label = [](svirt_instance *self, const svirt_domain *, const char *label,
                              svirt_error *) noexcept { return self->set_label(label); };
  table.domain_prepare_exec = [](svirt_instance *self, const svirt_domain *, const char *,
                                 svirt_exec *exec,
                                 svirt_error *) noexcept { return self->prepare_exec(exec); };
  table.resource_plan_label = [](svirt_instance *self, const svirt_domain *,
                                 const svirt_resource *resource, svirt_resource_plan *plan,
                                 svirt_error *) noexcept { return self->plan(resource, plan); };
  table.resource_get_label = [](svirt_instance *self, const svirt_resource *, svirt_buf *label,
                                svirt_error *) noexcept { return self->get_resource(label); };
  table.resource_set_label = [](svirt_instance *self, const svirt_resource *, const char *label,
                                svirt_error *) noexcept { return self->set_resource(label); };
  table.get_extension = [](const char *) noexcept -> const void * { return nullptr; };
}

}  // namespace svirt
