// SPDX-License-Identifier: LGPL-2.1-or-later
// Hands a domain's labels to another host, and takes them over.
#include "host/service/handovers.h"

#include <utility>

namespace svirt {

Result<Handover> Handovers::Begin(const std::string &name_or_uuid) const {
  SVIRT_ASSIGN(const LabelOwner owner, owners_->Find(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(owner.uuid));
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  SVIRT_ASSIGN(const std::vector<Plugin *> plugins, machine_->models().For(owner.virt_type));
  SVIRT_ASSIGN(Handover handover, HandoverDesk(labels, plugins).BeginOut(owner.uuid));
  for (HeldLabel &held : handover.labels) {
    held.doi = machine_->models().DoiOf(held.model, held.doi);
  }
  return handover;
}

Status Handovers::Prepare(const Handover &handover, std::vector<std::string> *notes) const {
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(handover.owner.uuid));
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  SVIRT_ASSIGN(const std::vector<Plugin *> plugins,
               machine_->models().For(handover.owner.virt_type));
  Handover own = handover;
  for (HeldLabel &held : own.labels) {
    for (Plugin *plugin : plugins) {
      if (plugin->model() != held.model) {
        continue;
      }
      SVIRT_ASSIGN(const ModelInfo info, plugin->GetModel(handover.owner.virt_type));
      const std::string doi = machine_->models().DoiOf(held.model, info.doi);
      if (doi != held.doi) {
        return Error{Errc::kRefused, "labels of model " + held.model + " have the DOI '" +
                                         held.doi + "' on the other host and '" + doi +
                                         "' here, so they need not mean the same; if they do, give "
                                         "it one name under [doi] in svirt.conf of both"};
      }
      held.doi = info.doi;
    }
  }
  return HandoverDesk(labels, plugins).PrepareIn(own, notes);
}

Status Handovers::End(const std::string &name_or_uuid, bool commit) const {
  SVIRT_ASSIGN(const LabelOwner owner, owners_->Find(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(owner.uuid));
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  SVIRT_ASSIGN(const std::vector<Plugin *> plugins, machine_->models().For(owner.virt_type));
  HandoverDesk desk(labels, plugins);
  return commit ? desk.Commit(owner.uuid) : desk.Cancel(owner.uuid);
}

}  // namespace svirt
