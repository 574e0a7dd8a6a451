// SPDX-License-Identifier: LGPL-2.1-or-later
// Matches the seclabels of a domain with the models that are there.
#include "host/labels/plan/seclabel_rules.h"

#include <algorithm>
#include <utility>

namespace svirt {
namespace {

std::string ActiveModels(const std::vector<Plugin *> &plugins) {
  std::string names;
  for (const Plugin *plugin : plugins) {
    names += (names.empty() ? "" : ", ") + plugin->model();
  }
  return names.empty() ? "none is active" : "active here: " + names;
}

// A domain may say that it wants nothing of a model that is not there.
Status CheckModels(const Domain &domain, const std::vector<Plugin *> &plugins, bool has_primary) {
  std::string wanted;
  for (const SecLabel &seclabel : domain.seclabels) {
    const bool known = std::any_of(plugins.begin(), plugins.end(), [&](const Plugin *plugin) {
      return seclabel.model.empty() ? has_primary : plugin->model() == seclabel.model;
    });
    if (!known && seclabel.type != SecLabel::Type::kNone) {
      wanted +=
          (wanted.empty() ? "" : " and ") +
          (seclabel.model.empty() ? "a security label" : "the security model " + seclabel.model);
    }
  }
  return wanted.empty() ? Status()
                        : Refusal("domain " + domain.name + " asks for " + wanted +
                                  ", which this host cannot give it (" + ActiveModels(plugins) +
                                  "); change its <seclabel>, or activate the plugin");
}

}  // namespace

Result<std::vector<ModelChoice>> ChooseModels(const Domain &domain,
                                              const std::vector<Plugin *> &plugins,
                                              const ConfinementPolicy &policy) {
  SVIRT_TRY(CheckModels(domain, plugins, policy.has_primary));
  std::vector<ModelChoice> choices;
  for (Plugin *plugin : plugins) {
    ModelChoice choice;
    choice.plugin = plugin;
    for (const SecLabel &seclabel : domain.seclabels) {
      if (seclabel.model == plugin->model() ||
          (seclabel.model.empty() && policy.has_primary && plugin == plugins.front())) {
        choice.seclabel = seclabel;
        break;
      }
    }
    SecLabel &seclabel = choice.seclabel;
    seclabel.model = plugin->model();
    if (seclabel.type == SecLabel::Type::kDefault) {
      seclabel.type = policy.default_confined ? SecLabel::Type::kDynamic : SecLabel::Type::kNone;
    }
    if (seclabel.type == SecLabel::Type::kNone) {
      if (policy.require_confined) {
        return Error{Errc::kRefused, "Unconfined guests are not allowed on this host; domain " +
                                         domain.name + " is to run without a label of model " +
                                         seclabel.model};
      }
      seclabel.relabel = false;
    }
    if (seclabel.type == SecLabel::Type::kStatic && seclabel.label.empty()) {
      return Error{Errc::kInvalid, "security label is missing: the static <seclabel> of domain " +
                                       domain.name + " for model " + seclabel.model +
                                       " needs a <label>"};
    }
    if (seclabel.type == SecLabel::Type::kDynamic) {
      // What a running domain was given is no input.
      seclabel.label.clear();
    }
    seclabel.image_label.clear();
    choices.push_back(std::move(choice));
  }
  return choices;
}

Result<std::vector<ModelChoice>> ModelsOfRunning(const Domain &running,
                                                 const std::vector<Plugin *> &plugins) {
  std::vector<ModelChoice> choices;
  for (const SecLabel &seclabel : running.seclabels) {
    Plugin *plugin = FindPlugin(plugins, seclabel.model);
    if (plugin == nullptr && seclabel.type != SecLabel::Type::kNone) {
      return Error{Errc::kUnsupported, "domain '" + running.name + "' was started under model " +
                                           seclabel.model + ", which is not active (any more)"};
    }
    if (plugin != nullptr) {
      choices.push_back({plugin, seclabel});
    }
  }
  if (choices.size() != plugins.size()) {
    return Error{Errc::kUnsupported,
                 "domain '" + running.name +
                     "' was started under other security models than are active now, and cannot "
                     "be changed before it is started anew"};
  }
  return choices;
}

Plugin *FindPlugin(const std::vector<Plugin *> &plugins, const std::string &model) {
  const auto found = std::find_if(plugins.begin(), plugins.end(),
                                  [&](const Plugin *plugin) { return plugin->model() == model; });
  return found == plugins.end() ? nullptr : *found;
}

bool KeepsItsLabel(const Resource &resource, const SecLabel &seclabel) {
  if (resource.by_host) {
    return false;
  }
  if (!seclabel.relabel) {
    return true;
  }
  // The same choice as for the override label: the model's own entry before the one for all.
  const DeviceSecLabel *chosen = nullptr;
  for (const DeviceSecLabel &each : resource.overrides) {
    if (each.model == seclabel.model) {
      chosen = &each;
      break;
    }
    if (each.model.empty() && chosen == nullptr) {
      chosen = &each;
    }
  }
  return chosen != nullptr && !chosen->relabel;
}

}  // namespace svirt
