// SPDX-License-Identifier: LGPL-2.1-or-later
// Chooses the models of a label engine, and the policy that it follows.
#include "host/service/engines.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>

#include "host/service/lost_labels.h"

namespace svirt {
namespace {

bool AllNone(const Domain &domain) {
  return !domain.seclabels.empty() &&
         std::ranges::all_of(domain.seclabels, [](const SecLabel &label) {
           return label.type == SecLabel::Type::kNone;
         });
}

}  // namespace

Result<Engine> Engines::For(const Domain &domain, SecurityDrivers::Use use) const {
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  return For(domain, labels, use);
}

Result<Engine> Engines::For(const Domain &domain, LabelStore *labels,
                            SecurityDrivers::Use use) const {
  if (use != SecurityDrivers::Use::kLook) {
    SVIRT_TRY(LostLabels(machine_).Check(labels, use == SecurityDrivers::Use::kStart));
  }
  SecurityDrivers &models = machine_->models();
  const Config &config = machine_->config();
  auto plugins = models.For(domain.type, use);
  if (!plugins.ok() && AllNone(domain) && !config.require_confined &&
      config.require_model.empty()) {
    // Its owner wants it unconfined by every model it names; that needs none but those that stand
    // beside whichever there is.
    plugins = models.Beside(domain.type);
  }
  if (!plugins.ok()) {
    return std::move(plugins).error();
  }
  ConfinementPolicy policy = Policy(domain);
  policy.has_primary = !plugins->empty() && !models.IsBeside(*plugins->front());
  Engine engine(labels, *plugins, policy);
  engine.ShowProgress(machine_->progress());
  return engine;
}

ConfinementPolicy Engines::Policy(const Domain &domain) const {
  const Config &config = machine_->config();
  ConfinementPolicy policy;
  policy.default_confined = config.default_confined;
  policy.require_confined = config.require_confined;
  policy.keep_trees = config.keep_trees;
  policy.export_labels = config.export_labels;
  policy.require_enforcing = config.require_enforcing;
  policy.allow_unlabelled = config.allow_unlabelled;
  policy.paths = PathsFor(domain);
  return policy;
}

Result<std::vector<Plugin *>> Engines::PluginsOfRunning(const Domain &running) const {
  std::vector<Plugin *> plugins;
  for (const SecLabel &seclabel : running.seclabels) {
    auto plugin = machine_->models().Named(seclabel.model, running.type);
    if (!plugin.ok() && seclabel.type == SecLabel::Type::kNone) {
      continue;
    }
    if (!plugin.ok()) {
      return Error{Errc::kUnsupported,
                   "domain '" + running.name + "' was started under model " + seclabel.model +
                       ", which is not active any more: " + plugin.error().message};
    }
    plugins.push_back(*plugin);
  }
  return plugins;
}

Result<Engine> Engines::ForRunning(const Domain &running) const {
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  SVIRT_TRY(LostLabels(machine_).Check(labels, true));
  return ForLost(running);
}

Result<Engine> Engines::ForLost(const Domain &running) const {
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  SVIRT_ASSIGN(std::vector<Plugin *> plugins, PluginsOfRunning(running));
  Engine engine(labels, std::move(plugins), Policy(running));
  engine.ShowProgress(machine_->progress());
  return engine;
}

Result<Engine> Engines::ToUndo(const std::string &uuid, const std::string &virt_type) const {
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, labels->registry().Describe(uuid));
  // Nothing is taken from what runs, whatever an older copy of the database says of it.
  const LostLabels lost_labels(machine_);
  if (const auto stored = machine_->domains().Get(uuid); stored.ok()) {
    SVIRT_ASSIGN(const bool is_lost, lost_labels.IsLost(labels, *stored));
    if (is_lost) {
      return lost_labels.Describe(*stored);
    }
  }
  std::vector<std::string> models;
  for (const HeldLabel &held : owner ? owner->labels : std::vector<HeldLabel>{}) {
    models.push_back(held.model);
  }
  return ToUndo(LostOwner{uuid, virt_type, std::move(models)});
}

Result<Engine> Engines::ToUndo(const LostOwner &lost) const {
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  std::vector<Plugin *> plugins;
  for (const std::string &model : lost.models) {
    // Without one the engine does what it can, and says which model is missing.
    if (auto plugin = machine_->models().ToUndo(model, lost.virt_type); plugin.ok()) {
      plugins.push_back(*plugin);
    } else {
      machine_->Report({plugin.error().message});
    }
  }
  Domain domain;
  domain.uuid = lost.uuid;
  domain.type = lost.virt_type;
  return Engine(labels, std::move(plugins), Policy(domain));
}

void Engines::NameDoi(Plan *plan) const {
  for (ModelLabels &labels : plan->models) {
    labels.doi = machine_->models().DoiOf(labels.model, labels.doi);
  }
}

// Our own are those of this configuration and those of the system.
PathRules Engines::PathsFor(const Domain &domain) const {
  const Paths &paths = machine_->paths();
  const Paths system = Paths::System();
  // Plugins have files of theirs beside it.
  const std::string system_config = std::filesystem::path(system.config_file).parent_path();
  const DomainPlace place = machine_->domains().PlaceOf(domain.uuid);
  PathRules rules{.allowed = machine_->config().allow_paths,
                  .own = {paths.config_file, paths.state_dir, paths.run_dir, system_config,
                          system.state_dir, system.run_dir},
                  .given = {place.run_dir, place.log_path, paths.state_dir + "/images",
                            system.state_dir + "/images"}};
  std::ranges::copy(machine_->config().plugin_directories, std::back_inserter(rules.own));
  if (!machine_->keeper().empty()) {
    rules.own.push_back(machine_->keeper());
  }
  if (!machine_->scanner().empty()) {
    rules.own.push_back(machine_->scanner());
  }
  return rules;
}

}  // namespace svirt
