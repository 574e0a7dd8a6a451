// SPDX-License-Identifier: LGPL-2.1-or-later
// A domain's labels go to another host, or come from one.
#include <utility>

#include "host/service/host.h"

namespace svirt {

// By uuid, else by name: a domain that was only labelled has no definition.
Result<LabelOwner> Host::FindOwner(const std::string &name_or_uuid) {
  SVIRT_ASSIGN(const std::vector<OwnerState> owners, LabelOwners());
  const LabelOwner *named = nullptr;
  for (const OwnerState &state : owners) {
    if (state.owner.uuid == name_or_uuid) {
      return state.owner;
    }
    named = state.owner.name == name_or_uuid ? &state.owner : named;
  }
  if (named == nullptr) {
    return Error{Errc::kNotFound, "no domain '" + name_or_uuid +
                                      "' has labels on this host; 'svirt labels' lists those that "
                                      "have"};
  }
  return *named;
}

Result<Handover> Host::BeginHandover(const std::string &name_or_uuid) {
  SVIRT_ASSIGN(const LabelOwner owner, FindOwner(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, store_.Lock(owner.uuid));
  SVIRT_ASSIGN(LabelStore *const labels, Store());
  SVIRT_ASSIGN(const std::vector<Plugin *> plugins, drivers_.For(owner.virt_type));
  SVIRT_ASSIGN(Handover handover, HandoverDesk(labels, plugins).BeginOut(owner.uuid));
  for (HeldLabel &held : handover.labels) {
    held.doi = drivers_.DoiOf(held.model, held.doi);
  }
  return handover;
}

Status Host::PrepareHandover(const Handover &handover, std::vector<std::string> *notes) {
  SVIRT_ASSIGN(const Fd lock, store_.Lock(handover.owner.uuid));
  SVIRT_ASSIGN(LabelStore *const labels, Store());
  SVIRT_ASSIGN(const std::vector<Plugin *> plugins, drivers_.For(handover.owner.virt_type));
  Handover own = handover;
  for (HeldLabel &held : own.labels) {
    for (Plugin *plugin : plugins) {
      if (plugin->model() != held.model) {
        continue;
      }
      SVIRT_ASSIGN(const ModelInfo info, plugin->GetModel(handover.owner.virt_type));
      const std::string doi = drivers_.DoiOf(held.model, info.doi);
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

Status Host::EndHandover(const std::string &name_or_uuid, bool commit) {
  SVIRT_ASSIGN(const LabelOwner owner, FindOwner(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, store_.Lock(owner.uuid));
  SVIRT_ASSIGN(LabelStore *const labels, Store());
  SVIRT_ASSIGN(const std::vector<Plugin *> plugins, drivers_.For(owner.virt_type));
  HandoverDesk desk(labels, plugins);
  return commit ? desk.Commit(owner.uuid) : desk.Cancel(owner.uuid);
}

}  // namespace svirt
