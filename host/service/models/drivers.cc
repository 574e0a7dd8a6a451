// SPDX-License-Identifier: LGPL-2.1-or-later
// Chooses the models that domains get, as the configuration says.
#include "host/service/models/drivers.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace svirt {
namespace {

LoaderOptions MakeLoaderOptions(const Config &config, const std::string &scanner,
                                const Paths &paths, LogSink log, CallWatch *watch,
                                const std::string &trusted_root) {
  LoaderOptions options;
  options.trusted_root = trusted_root;
  options.directories = config.plugin_directories;
  options.order = config.order;
  options.not_critical = config.not_critical;
  if (config.choice == DriverChoice::kAuto) {
    options.beside = config.beside;
  }
  options.settings = config.model_settings;
  if (config.scan_in_helper) {
    options.scanner = config.scanner.empty() ? scanner : config.scanner;
    options.quarantine_file = paths.run_dir + "/quarantine";
    options.scan_cache_file = paths.run_dir + "/scans";
  }
  options.log = std::move(log);
  options.watch = watch;
  return options;
}

std::vector<ExpectedModel> ModelsOf(const std::map<std::string, ExpectedModel> &chosen) {
  std::vector<ExpectedModel> models;
  for (const auto &[type, model] : chosen) {
    if (std::ranges::find(models, model) == models.end()) {
      models.push_back(model);
    }
  }
  return models;
}

std::string TypeWords(const std::string &virt_type) {
  return virt_type.empty() ? "domains" : "domains of type " + virt_type;
}

// Under which it is remembered that the model stood beside others.
std::string BesideKey(const std::string &virt_type, const std::string &model) {
  return virt_type + " beside " + model;
}

}  // namespace

SecurityDrivers::SecurityDrivers(const Config &config, const std::string &scanner,
                                 const Paths &paths, std::vector<std::string> foreign_types,
                                 LogSink log, CallWatch *watch, const std::string &trusted_root)
    : config_(config),
      foreign_types_(std::move(foreign_types)),
      log_(log),
      loader_(MakeLoaderOptions(config, scanner, paths, std::move(log), watch, trusted_root)),
      chosen_(paths.state_dir) {}

Result<std::vector<Candidate>> SecurityDrivers::Candidates(const std::string &virt_type) {
  const auto before = chosen_.Read();
  return loader_.Scan(virt_type, before.ok() ? ModelsOf(*before) : std::vector<ExpectedModel>{});
}

Result<SecurityDrivers::Overview> SecurityDrivers::Show(const std::string &virt_type) {
  Overview overview;
  SVIRT_ASSIGN(overview.candidates, Candidates(virt_type));
  const auto plugins = For(virt_type, Use::kPlan);
  if (plugins.ok()) {
    std::ranges::transform(*plugins, std::back_inserter(overview.models), &Plugin::model);
  }
  if (!plugins.ok()) {
    overview.reason = plugins.error().message;
  } else if (config_.choice == DriverChoice::kNone) {
    overview.reason = "svirt.conf says models = none";
  } else if (plugins->empty()) {
    overview.reason =
        "no security driver is active, and svirt.conf says allow_none = yes: domains of no "
        "<seclabel> run unconfined";
  }
  const bool is_auto = config_.choice == DriverChoice::kAuto;
  for (Candidate &candidate : overview.candidates) {
    const bool is_used = candidate.plugin != nullptr && plugins.ok() &&
                         std::ranges::find(*plugins, candidate.plugin) != plugins->end();
    if (is_used) {
      candidate.state = CandidateState::kSelected;
    } else if (candidate.state == CandidateState::kSelected) {
      candidate.state = CandidateState::kActive;
    }
    // Of those that stand beside others an inactive one does not block.
    const std::vector<std::string> &names = is_auto ? config_.beside : config_.models;
    const auto is_listed = [&](const std::string &model) {
      return std::ranges::find(names, model) != names.end();
    };
    const bool is_unusable = candidate.state != CandidateState::kActive &&
                             (!is_auto || candidate.state != CandidateState::kInactive) &&
                             !candidate.repeats;
    const bool blocks =
        !plugins.ok() && is_unusable && (is_listed(candidate.model) || is_listed(candidate.named));
    candidate.blocks = blocks || (is_auto && candidate.blocks);
  }
  return overview;
}

Result<std::vector<Plugin *>> SecurityDrivers::For(const std::string &virt_type, Use use) {
  SVIRT_ASSIGN(const Choice choice, Choose(virt_type));
  for (Plugin *plugin : choice.plugins) {
    SVIRT_TRY(plugin->Init());
    used_[{virt_type, plugin->model()}] = plugin;
  }
  if (use != Use::kLook) {
    SVIRT_TRY(CheckRequired(virt_type, choice.plugins));
    const bool is_passed_over = WarnOfPassedOver(virt_type, choice);
    if (use == Use::kStart && choice.primary && !is_passed_over) {
      SVIRT_TRY(chosen_.Remember(virt_type, *choice.primary));
    }
    for (const std::string &note : choice.notes) {
      Warn(note);
    }
    for (const Plugin *plugin : choice.plugins) {
      if (use == Use::kStart && IsBeside(*plugin)) {
        SVIRT_TRY(chosen_.Remember(BesideKey(virt_type, plugin->model()), {plugin->model(), 0}));
      }
    }
  }
  return choice.plugins;
}

void SecurityDrivers::Warn(const std::string &sentence) const {
  if (log_) {
    log_(SVIRT_LOG_WARNING, sentence);
  }
}

Result<SecurityDrivers::Choice> SecurityDrivers::Choose(const std::string &virt_type) {
  Choice choice;
  if (config_.choice == DriverChoice::kList) {
    for (const std::string &model : config_.models) {
      SVIRT_ASSIGN(Plugin * plugin, loader_.Get(model, virt_type));
      choice.plugins.push_back(plugin);
    }
    choice.primary = {config_.models.front(), std::nullopt};
  }
  if (config_.choice != DriverChoice::kAuto) {
    return choice;
  }
  SVIRT_ASSIGN(const auto before, chosen_.Read());
  SVIRT_ASSIGN(Selection selection, loader_.Select(virt_type, ModelsOf(before)));
  if (selection.plugin == nullptr && !config_.allow_none) {
    return NothingActive(selection.candidates);
  }
  const auto last = before.find(ChosenModels::KeyOf(virt_type));
  // In the order in which they are asked: what stands before the selected one is stronger.
  for (const Candidate &candidate : selection.candidates) {
    if (candidate.state == CandidateState::kSelected) {
      choice.plugins.push_back(candidate.plugin);
      choice.primary = {candidate.model, candidate.priority};
      break;
    }
    if (last != before.end() && candidate.model == last->second.model &&
        candidate.state == CandidateState::kInactive) {
      choice.passed_over = candidate;
    }
  }
  SVIRT_TRY(ChooseBeside(virt_type, &selection, before, &choice));
  return choice;
}

Status SecurityDrivers::ChooseBeside(const std::string &virt_type, const Selection *selection,
                                     const ChosenModels::Models &before, Choice *choice) {
  if (config_.choice != DriverChoice::kAuto ||
      std::ranges::find(foreign_types_, virt_type) != foreign_types_.end()) {
    return {};
  }
  for (const std::string &model : config_.beside) {
    SVIRT_ASSIGN(const Loader::Beside beside, selection != nullptr
                                                  ? Loader::GetBeside(*selection, model, virt_type)
                                                  : loader_.GetBeside(model, virt_type));
    if (beside.plugin != nullptr) {
      if (std::ranges::find(choice->plugins, beside.plugin) == choice->plugins.end()) {
        choice->plugins.push_back(beside.plugin);
      }
      continue;
    }
    if (beside.is_installed) {
      choice->notes.push_back(TypeWords(virt_type) + " do not get the security model " + model +
                              " beside others: " + beside.reason);
      continue;
    }
    if (!config_.beside_is_default) {
      return Refusal("svirt.conf wants the security model " + model + " beside others, and " +
                     beside.reason);
    }
    const bool was_given =
        std::ranges::any_of(before, [&](const auto &each) { return each.second.model == model; });
    if (was_given) {
      return Refusal("the security model " + model + " stood beside others here before, and now " +
                     beside.reason + ", or run 'svirt plugins --forget " + model +
                     "' if it is gone on purpose");
    }
  }
  return {};
}

Result<std::vector<Plugin *>> SecurityDrivers::Beside(const std::string &virt_type) {
  Choice choice;
  SVIRT_ASSIGN(const auto before, chosen_.Read());
  SVIRT_TRY(ChooseBeside(virt_type, nullptr, before, &choice));
  return std::move(choice.plugins);
}

bool SecurityDrivers::IsBeside(const Plugin &plugin) const {
  return config_.choice == DriverChoice::kAuto &&
         std::ranges::find(config_.beside, plugin.model()) != config_.beside.end();
}

Result<Plugin *> SecurityDrivers::Named(const std::string &model, const std::string &virt_type) {
  SVIRT_ASSIGN(Plugin *const plugin, loader_.Get(model, virt_type));
  used_[{virt_type, model}] = plugin;
  return plugin;
}

Result<Plugin *> SecurityDrivers::ToUndo(const std::string &model, const std::string &virt_type) {
  const auto used = used_.find({virt_type, model});
  return used != used_.end() ? Result<Plugin *>(used->second) : Named(model, virt_type);
}

bool SecurityDrivers::WarnOfPassedOver(const std::string &virt_type, const Choice &choice) const {
  if (!choice.passed_over) {
    return false;
  }
  const Candidate &last = *choice.passed_over;
  Warn("the security model " + last.model + ", which " + TypeWords(virt_type) +
       " were given here before, is inactive now (" + last.reason + "), and " +
       (choice.primary ? choice.primary->model : "none") + " takes its place; require_model = " +
       last.model + " under [confinement] in svirt.conf refuses that, 'svirt plugins --forget " +
       last.model + "' accepts it");
  return true;
}

Status SecurityDrivers::CheckRequired(const std::string &virt_type,
                                      const std::vector<Plugin *> &plugins) {
  const std::string &required = config_.require_model;
  if (required.empty() || (!plugins.empty() && plugins.front()->model() == required)) {
    return {};
  }
  const auto why = loader_.Get(required, virt_type);
  return Refusal("svirt.conf requires the security model " + required +
                 " (require_model under [confinement]), and " + TypeWords(virt_type) +
                 " would be given " +
                 (plugins.empty() ? "none" : plugins.front()->model() + " first") + ": " +
                 (why.ok() ? "the configuration puts it before " + required : why.error().message));
}

Result<bool> SecurityDrivers::Forget(const std::string &model) {
  return chosen_.Forget(model);
}

Error SecurityDrivers::NothingActive(const std::vector<Candidate> &candidates) {
  std::string reasons;
  for (const Candidate &candidate : candidates) {
    reasons += (reasons.empty() ? "" : "; ") +
               (candidate.model.empty() ? candidate.path : candidate.model) + ": " +
               candidate.reason;
  }
  if (reasons.empty()) {
    reasons = "no plugin is installed";
  }
  return Error{Errc::kRefused,
               "no security driver is active on this host (" + reasons +
                   "), and unconfined domains are not allowed; make one active, or set "
                   "allow_none = yes under [confinement] in svirt.conf"};
}

Result<ModelInfo> SecurityDrivers::Describe(Plugin *plugin, const std::string &virt_type) const {
  SVIRT_ASSIGN(ModelInfo info, plugin->GetModel(virt_type));
  info.doi = DoiOf(info.model, info.doi);
  return info;
}

std::string SecurityDrivers::DoiOf(const std::string &model, const std::string &own) const {
  const auto doi = config_.doi.find(model);
  return doi != config_.doi.end() ? doi->second : own;
}

}  // namespace svirt
