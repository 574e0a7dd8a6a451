// SPDX-License-Identifier: LGPL-2.1-or-later
// Calls the functions of a plugin's table, and turns their answers into results.
#include "host/loader/plugin.h"

#include <svirt/ext/config.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "host/loader/marshal.h"
#include "host/loader/plugin_call.h"
#include "host/loader/status.h"
#include "host/loader/table_check.h"
#include "host/util/text.h"

namespace svirt {
namespace {

constexpr const char *kHostName = "svirt";
constexpr const char *kHostVersion = SVIRT_VERSION;

// C(1024, 2) pairs of categories, none adjacent to another, are 130816 runs; four times that is
// more than any model can mean.
constexpr uint32_t kMaxIndexRuns = 1u << 19;

const char *OrNull(const std::optional<std::string> &text) {
  return text.has_value() ? text->c_str() : nullptr;
}

}  // namespace

Result<std::unique_ptr<Plugin>> Plugin::Create(const svirt_plugin *table, PluginOptions options) {
  SVIRT_ASSIGN(svirt_plugin copy, CopyTable(table));
  std::unique_ptr<Plugin> plugin(new Plugin);
  plugin->table_ = copy;
  plugin->serial_ = copy.threads == SVIRT_THREADS_SERIAL;
  plugin->gate_ =
      options.gate != nullptr ? std::move(options.gate) : std::make_shared<PluginGate>();
  plugin->log_ = std::move(options.log);
  plugin->settings_ = std::move(options.settings);
  plugin->file_ = std::move(options.file);
  plugin->watch_ = options.watch;
  plugin->model_ = copy.model;
  plugin->version_ = copy.version;
  plugin->vendor_ = copy.vendor;
  svirt_host &host = plugin->host_;
  host.struct_size = sizeof host;
  host.abi_major = SVIRT_ABI_MAJOR;
  host.abi_minor = SVIRT_ABI_MINOR;
  host.name = kHostName;
  host.version = kHostVersion;
  host.host_data = plugin.get();
  host.log = [](const svirt_host *self, int32_t level, const char *sentence) noexcept {
    static_cast<const Plugin *>(self->host_data)->Log(level, sentence);
  };
  host.get_extension = HostExtension;
  return plugin;
}

Plugin::~Plugin() {
  const auto gate = instance_ != nullptr ? PassGate<std::unique_lock<PluginGate>>()
                                         : Result<std::unique_lock<PluginGate>>(Error{});
  if (gate.ok()) {  // or it is left as it is
    [[maybe_unused]] const Status ended = Timed({"fini"}, [&] { table_.fini(instance_); });
  }
}

const void *Plugin::HostExtension(const svirt_host *, const char *id) noexcept {
  static constexpr svirt_config kConfig = {
      .struct_size = sizeof(svirt_config),
      .reserved = 0,
      .get = [](const svirt_host *host, const char *key) noexcept -> const char * {
        const ModelSettings &settings = static_cast<const Plugin *>(host->host_data)->settings_;
        const auto found = settings.find(key);
        return found == settings.end() ? nullptr : found->second.value.c_str();
      },
  };
  return id != nullptr && std::string_view(id) == SVIRT_EXT_CONFIG ? &kConfig : nullptr;
}

void Plugin::Log(int level, const char *sentence) const {
  if (!log_) {
    return;
  }
  // Called from the plugin's C frames, through which nothing may be thrown.
  try {
    log_(std::clamp(level, SVIRT_LOG_DEBUG, SVIRT_LOG_ERROR),
         model_ + ": " + Printable(sentence != nullptr ? sentence : "(logged nothing)"));
  } catch (...) {
    return;
  }
}

Error Plugin::Named(Error error) const {
  error.message.insert(0, model_ + ": ");
  return error;
}

Error Plugin::ErrorOf(const char *name, const Answer &answer) const {
  return Named(ErrorFromStatus(name, answer.status, answer.error));
}

template <typename Slot, typename... Args>
Result<Plugin::Answer> Plugin::Ask(const CallName &name, Slot slot, Args... args) {
  return AskInstance(name, [&](svirt_instance *instance, svirt_error *error) {
    return slot(instance, args..., error);
  });
}

template <typename Slot, typename... Args>
Status Plugin::Call(const CallName &name, Slot slot, Args... args) {
  SVIRT_ASSIGN(Answer answer, Ask(name, slot, args...));
  if (answer.status != SVIRT_OK) {
    return ErrorOf(name.slot, answer);
  }
  return {};
}

ProbeResult Plugin::Probe(const std::string &virt_type) {
  Answer answer{SVIRT_E_INTERNAL, BlankError()};
  const auto ask = [&]() -> Status {
    SVIRT_ASSIGN(const auto gate, PassGate<std::unique_lock<PluginGate>>());
    return Timed({"probe"}, [&] {
      answer.status = table_.probe(&host_, svirt::OrNull(virt_type), &answer.error);
    });
  };
  if (Status asked = ask(); !asked.ok()) {
    return {ProbeResult::State::kError, std::move(asked).error().message};
  }
  ProbeResult result;
  result.reason = MessageOf(answer.error);
  switch (answer.status) {
    case SVIRT_OK:
      result.state = ProbeResult::State::kActive;
      if (result.reason.empty()) {
        result.reason = "usable; the plugin does not say more";
      }
      break;
    case SVIRT_INACTIVE:
      result.state = ProbeResult::State::kInactive;
      if (result.reason.empty()) {
        result.reason = "not usable on this host; the plugin does not say why";
      }
      break;
    default:
      result.state = ProbeResult::State::kError;
      if (result.reason.empty() || !IsStatus(answer.status)) {
        result.reason = ErrorOf("probe", answer).message;
      }
  }
  return result;
}

Status Plugin::Init() {
  SVIRT_ASSIGN(const auto gate, PassGate<std::unique_lock<PluginGate>>());
  if (init_result_.has_value()) {
    return *init_result_;
  }
  Answer answer{SVIRT_E_INTERNAL, BlankError()};
  svirt_instance *instance = nullptr;
  SVIRT_TRY(
      Timed({"init"}, [&] { answer.status = table_.init(&host_, &instance, &answer.error); }));
  if (answer.status != SVIRT_OK) {
    init_result_ = ErrorOf("init", answer);
  } else if (instance == nullptr) {
    init_result_ = Named(Error{Errc::kInternal, "init reported success but gave no instance", 0});
  } else {
    instance_ = instance;
    init_result_ = Status();
  }
  return *init_result_;
}

Result<ModelInfo> Plugin::GetModel(const std::string &virt_type) {
  svirt_model model{};
  model.struct_size = sizeof model;
  SVIRT_TRY(Call({"get_model"}, table_.get_model, svirt::OrNull(virt_type), &model));
  auto info = ReadModel(model, model_);
  return info.ok() ? std::move(info) : Named(info.error());
}

Result<std::vector<IndexRun>> Plugin::AskIndexes(const DomainRef &domain, const char *label) {
  auto view = DomainView::Make(domain, model_);
  if (!view.ok()) {
    return Named(view.error());
  }
  std::vector<svirt_index_run> runs(64);
  // The set may grow between two calls, but not for ever.
  for (int attempt = 0; attempt < 4; ++attempt) {
    svirt_index_set set{};
    set.struct_size = sizeof set;
    set.run_capacity = static_cast<uint32_t>(runs.size());
    set.runs = runs.data();
    SVIRT_ASSIGN(Answer answer, Ask(About("domain_label_space", domain), table_.domain_label_space,
                                    view->get(), label, &set));
    const bool more = set.run_count > runs.size() && set.run_count <= kMaxIndexRuns;
    if (answer.status == SVIRT_E_RANGE && more) {
      runs.assign(set.run_count, svirt_index_run{});
      continue;
    }
    if (answer.status != SVIRT_OK) {
      return ErrorOf("domain_label_space", answer);
    }
    if (set.reserved != 0 || set.run_count > runs.size()) {
      return Named(Error{Errc::kInternal,
                         "domain_label_space reported success but an index set that is not valid",
                         0});
    }
    runs.resize(set.run_count);
    auto read = ReadIndexRuns(runs);
    return read.ok() ? std::move(read) : Named(read.error());
  }
  return Named(Error{Errc::kInternal, "domain_label_space asks for more room again and again", 0});
}

Result<std::vector<IndexRun>> Plugin::LabelSpace(const DomainRef &domain) {
  return AskIndexes(domain, nullptr);
}

Result<std::vector<IndexRun>> Plugin::LabelClaim(const DomainRef &domain,
                                                 const std::string &label) {
  if (auto status = CheckLabelInput(label); !status.ok()) {
    return Named(status.error());
  }
  return AskIndexes(domain, label.c_str());
}

Result<LabelPair> Plugin::GenerateLabel(const DomainRef &domain, uint64_t index) {
  auto view = DomainView::Make(domain, model_);
  if (!view.ok()) {
    return Named(view.error());
  }
  TextBuffer label_room, image_room;
  svirt_buf label = label_room.Blank(), image = image_room.Blank();
  SVIRT_TRY(Call(About("domain_generate_label", domain), table_.domain_generate_label, view->get(),
                 index, &label, &image));
  auto label_text = label_room.Read(label, "process label", false);
  if (!label_text.ok()) {
    return Named(label_text.error());
  }
  auto image_text = image_room.Read(image, "object label", true);
  if (!image_text.ok()) {
    return Named(image_text.error());
  }
  if (label_text->empty() && domain.seclabel.type != SecLabel::Type::kNone) {
    return Named(Error{Errc::kInternal,
                       "domain_generate_label gave an empty process label, which confines nothing",
                       0});
  }
  return LabelPair{std::move(label_text).value(), std::move(image_text).value()};
}

Status Plugin::VerifyLabel(const DomainRef &domain) {
  auto view = DomainView::Make(domain, model_);
  if (!view.ok()) {
    return Named(view.error());
  }
  return Call(About("domain_verify_label", domain), table_.domain_verify_label, view->get());
}

Result<LabelState> Plugin::GetLabel(const DomainRef &domain) {
  auto view = DomainView::Make(domain, model_);
  if (!view.ok()) {
    return Named(view.error());
  }
  TextBuffer room;
  svirt_label_state state{};
  state.struct_size = sizeof state;
  state.label = room.Blank();
  SVIRT_TRY(Call(About("domain_get_label", domain), table_.domain_get_label, view->get(), &state));
  auto label = room.Read(state.label, "label of the process", false);
  if (!label.ok()) {
    return Named(label.error());
  }
  if (state.enforcing != 0 && state.enforcing != 1) {
    return Named(Error{Errc::kInternal,
                       "domain_get_label gave an enforcing state that is neither "
                       "0 nor 1",
                       0});
  }
  return LabelState{std::move(label).value(), state.enforcing == 1};
}

Status Plugin::SetLabel(const DomainRef &domain, const std::optional<std::string> &label) {
  auto view = DomainView::Make(domain, model_);
  if (!view.ok()) {
    return Named(view.error());
  }
  if (auto status = CheckLabelInput(label.value_or("")); !status.ok()) {
    return Named(status.error());
  }
  return Call(About("domain_set_label", domain), table_.domain_set_label, view->get(),
              OrNull(label));
}

Status Plugin::PrepareExec(const DomainRef &domain, const std::string &label, svirt_exec *exec) {
  *exec = svirt_exec{};
  exec->struct_size = sizeof *exec;
  auto view = DomainView::Make(domain, model_);
  if (!view.ok()) {
    return Named(view.error());
  }
  if (auto status = CheckLabelInput(label); !status.ok()) {
    return Named(status.error());
  }
  SVIRT_ASSIGN(Answer answer, Ask(About("domain_prepare_exec", domain), table_.domain_prepare_exec,
                                  view->get(), label.c_str(), exec));
  if (answer.status != SVIRT_OK) {
    // A failed call hands nothing over, so there is nothing to close.
    *exec = svirt_exec{};
    exec->struct_size = sizeof *exec;
    Error error = ErrorOf("domain_prepare_exec", answer);
    if (answer.status == SVIRT_E_DENIED) {
      error.code = Errc::kRefused;
    }
    return error;
  }
  if (auto status = CheckExec(*exec); !status.ok()) {
    DiscardExec(exec);
    return Named(status.error());
  }
  return {};
}

Result<ResourcePlan> Plugin::PlanResource(const DomainRef &domain, const ResourceRef &resource) {
  auto view = DomainView::Make(domain, model_);
  if (!view.ok()) {
    return Named(view.error());
  }
  auto subject = ToResource(resource, model_);
  if (!subject.ok()) {
    return Named(subject.error());
  }
  TextBuffer label_room, note_room;
  svirt_resource_plan answer{};
  answer.struct_size = sizeof answer;
  answer.label = label_room.Blank();
  answer.note = note_room.Blank();
  SVIRT_TRY(Call(About("resource_plan_label", domain), table_.resource_plan_label, view->get(),
                 &*subject, &answer));
  auto plan = ReadPlan(answer, label_room, note_room);
  return plan.ok() ? std::move(plan) : Named(plan.error());
}

Result<std::optional<std::string>> Plugin::GetResourceLabel(const ResourceRef &resource) {
  auto subject = ToResource(resource, model_);
  if (!subject.ok()) {
    return Named(subject.error());
  }
  TextBuffer room;
  svirt_buf label = room.Blank();
  SVIRT_ASSIGN(Answer answer, Ask(About("resource_get_label", resource), table_.resource_get_label,
                                  &*subject, &label));
  if (answer.status == SVIRT_E_NODATA) {
    return std::optional<std::string>();
  }
  if (answer.status != SVIRT_OK) {
    return ErrorOf("resource_get_label", answer);
  }
  auto text = room.Read(label, "label of the object", false);
  if (!text.ok()) {
    return Named(text.error());
  }
  return std::optional<std::string>(std::move(text).value());
}

Status Plugin::SetResourceLabel(const ResourceRef &resource,
                                const std::optional<std::string> &label) {
  auto subject = ToResource(resource, model_);
  if (!subject.ok()) {
    return Named(subject.error());
  }
  if (auto status = CheckLabelInput(label.value_or("")); !status.ok()) {
    return Named(status.error());
  }
  return Call(About("resource_set_label", resource), table_.resource_set_label, &*subject,
              OrNull(label));
}

}  // namespace svirt
