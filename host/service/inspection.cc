// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks a domain's hypervisor for its state, and plugins for its labels.
#include "host/service/inspection.h"

#include <utility>

#include "host/service/lost_confinement.h"
#include "host/service/lost_labels.h"

namespace svirt {
namespace {

DomainRef ToRef(const Domain &domain) {
  DomainRef ref;
  ref.uuid = domain.uuid;
  ref.name = domain.name;
  ref.virt_type = domain.type;
  ref.seclabel.type = SecLabel::Type::kDynamic;
  return ref;
}

}  // namespace

Result<DomainState> Inspection::State(StoredDomain *stored,
                                      std::chrono::milliseconds patience) const {
  SVIRT_ASSIGN(const DomainState state, AskState(*stored, patience));
  if (!stored->running || state != DomainState::kShutOff) {
    return state;
  }
  SVIRT_ASSIGN(*stored, definitions_->Find(stored->domain.uuid));
  return AskState(*stored, patience);  // somebody may have started it again
}

Result<DomainState> Inspection::AskState(const StoredDomain &stored,
                                         std::chrono::milliseconds patience) const {
  if (!stored.running) {
    return DomainState::kShutOff;
  }
  if (stored.running->starting) {
    return DomainState::kPaused;  // its monitor may not answer yet
  }
  SVIRT_ASSIGN(Hypervisor *const hypervisor, machine_->HypervisorFor(stored.running->domain));
  return hypervisor->State(*stored.running, machine_->domains().PlaceOf(stored.domain.uuid),
                           patience);
}

Result<LabelState> Inspection::ProcessLabel(Plugin *plugin, const Domain &domain, pid_t pid) {
  DomainRef ref = ToRef(domain);
  ref.pid = pid;
  return plugin->GetLabel(ref);
}

Result<LabelState> Inspection::RunningLabel(Plugin *plugin, const RunningDomain &running) {
  DomainRef ref = ToRef(running.domain);
  ref.id = running.id;
  ref.pid = running.id < 0 ? running.process.pid : -1;
  return plugin->GetLabel(ref);
}

Result<std::vector<DomainLabel>> Inspection::Labels(StoredDomain *stored) const {
  auto labels = AskLabels(*stored);
  if (labels.ok()) {
    return labels;
  }
  SVIRT_ASSIGN(const bool ended, endings_->HasEnded(*stored));
  if (!ended) {
    return labels;
  }
  SVIRT_ASSIGN(*stored, definitions_->Find(stored->domain.uuid));
  return AskLabels(*stored);
}

Result<std::vector<DomainLabel>> Inspection::AskLabels(const StoredDomain &stored) const {
  std::vector<DomainLabel> labels;
  const Domain &domain = stored.running ? stored.running->domain : stored.domain;
  const bool has_labels = stored.running && !domain.seclabels.empty();
  auto plugins =
      has_labels ? engines_->PluginsOfRunning(domain) : machine_->models().For(domain.type);
  if (!plugins.ok() && !has_labels) {
    return labels;  // nothing active says nothing about a domain that does not run, or unconfined
  }
  if (!plugins.ok()) {
    return std::move(plugins).error();
  }
  for (Plugin *plugin : *plugins) {
    DomainLabel label;
    SVIRT_ASSIGN(label.model, machine_->models().Describe(plugin, domain.type));
    label.enforcing = label.model.enforcing;
    if (stored.running) {
      for (const SecLabel &seclabel : domain.seclabels) {
        if (seclabel.model == label.model.model) {
          label.label = seclabel.label;
          label.enforcing = label.enforcing && seclabel.type != SecLabel::Type::kNone;
        }
      }
      auto state = RunningLabel(plugin, *stored.running);
      if (state.ok()) {
        label.label = state->label;
        label.enforcing = state->enforcing;
        label.verified = true;
      } else if (state.error().code != Errc::kUnsupported) {
        return std::move(state).error();
      }
    }
    labels.push_back(std::move(label));
  }
  return labels;
}

Status Inspection::CheckNotLost(const StoredDomain &stored) const {
  if (!stored.running) {
    return {};
  }
  if (const auto labels = machine_->Labels(); labels.ok()) {
    const LostLabels lost_labels(machine_);
    SVIRT_ASSIGN(const bool is_lost, lost_labels.IsLost(*labels, stored));
    if (is_lost) {
      return lost_labels.Describe(stored);
    }
  }
  return LostConfinement(machine_, engines_).Check(*stored.running);
}

// A model that is permissive as a whole has been told of before the start.
void Inspection::WarnIfPermissive(const Domain &domain, pid_t pid) const {
  const auto plugins = machine_->models().For(domain.type);
  for (Plugin *plugin : plugins.ok() ? *plugins : std::vector<Plugin *>{}) {
    const auto model = plugin->GetModel(domain.type);
    const auto state = ProcessLabel(plugin, domain, pid);
    if (model.ok() && model->enforcing && state.ok() && !state->enforcing) {
      machine_->Report(
          {"model " + plugin->model() + " is permissive for domain " + domain.name +
           ": it reports what the domain does that it should not, and lets it do that"});
    }
  }
}

}  // namespace svirt
