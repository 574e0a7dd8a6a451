// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels of domains that a hypervisor builds and keeps by a number.
#include <utility>

#include "host/labels/engine.h"
#include "host/labels/plan/draft.h"
#include "host/loader/marshal.h"

namespace svirt {
namespace {

// The one model that confines the domain; nullptr: none does.
Result<const ModelLabels *> FindConfining(const Domain &domain, const Plan &plan) {
  const ModelLabels *found = nullptr;
  for (const ModelLabels &labels : plan.models) {
    if (labels.seclabel.type == SecLabel::Type::kNone) {
      continue;
    }
    if (found != nullptr) {
      return Error{Errc::kUnsupported, "domain " + domain.name + " of type " + domain.type +
                                           " can have a label of one model only, not of " +
                                           found->model + " and " + labels.model +
                                           ": give the other one <seclabel type='none'>"};
    }
    found = &labels;
  }
  return found;
}

Status CheckDomain(Plugin *plugin, const DomainRef &ref, const std::string &label) {
  const auto state = plugin->GetLabel(ref);
  if (!state.ok() && state.error().code == Errc::kUnsupported) {
    return Refusal("domain " + ref.name + " must not run: the model " + plugin->model() +
                   " cannot tell its label (" + state.error().message + ")");
  }
  if (!state.ok()) {
    return state.error();
  }
  if (state->label != label) {
    return Refusal("domain " + ref.name + " has the " + plugin->model() + " label " + state->label +
                   " instead of " + label + " and must not run");
  }
  return {};
}

Error Vanished(const std::string &model) {
  return Error{Errc::kInternal, "the plan has a model that is not active: " + model};
}

}  // namespace

Result<std::string> Engine::PrepareBuild(const Domain &domain, const Plan &plan) {
  SVIRT_ASSIGN(const ModelLabels *const labels, FindConfining(domain, plan));
  if (labels == nullptr) {
    return std::string();
  }
  Plugin *plugin = FindPlugin(plugins_, labels->model);
  if (plugin == nullptr) {
    return Vanished(labels->model);
  }
  SVIRT_ASSIGN(std::string build_label, plugin->BuildLabel(labels->seclabel.label));
  svirt_exec recipe{};
  SVIRT_TRY(plugin->PrepareExec(MakeDomainRef(domain, labels->seclabel, plan.opened->Refs()),
                                build_label, &recipe));
  if (recipe.op_count != 0) {
    DiscardExec(&recipe);
    return Refusal("the model " + labels->model + " confines processes, and a domain of type " +
                   domain.type + " is none: it would run unconfined");
  }
  return build_label;
}

Status Engine::VerifyBuild(const Domain &domain, const Plan &plan, int id,
                           const std::string &label) {
  SVIRT_ASSIGN(const ModelLabels *const labels, FindConfining(domain, plan));
  if (labels == nullptr) {
    return {};
  }
  Plugin *plugin = FindPlugin(plugins_, labels->model);
  if (plugin == nullptr) {
    return Vanished(labels->model);
  }
  DomainRef ref = MakeDomainRef(domain, labels->seclabel, {});
  ref.id = id;
  return CheckDomain(plugin, ref, label);
}

Status Engine::FinishBuild(const Domain &domain, const Plan &plan, int id) {
  SVIRT_ASSIGN(const ModelLabels *const labels, FindConfining(domain, plan));
  if (labels == nullptr) {
    return {};
  }
  Plugin *plugin = FindPlugin(plugins_, labels->model);
  if (plugin == nullptr) {
    return Vanished(labels->model);
  }
  DomainRef ref = MakeDomainRef(domain, labels->seclabel, plan.opened->Refs());
  ref.id = id;
  SVIRT_TRY(plugin->SetLabel(ref, labels->seclabel.label));
  return CheckDomain(plugin, ref, labels->seclabel.label);
}

}  // namespace svirt
