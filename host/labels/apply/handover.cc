// SPDX-License-Identifier: LGPL-2.1-or-later
// Carries out each step of a handover on this host's label database and objects.
#include "host/labels/apply/handover.h"

#include <algorithm>
#include <utility>

#include "host/labels/apply/undo.h"
#include "host/labels/object/object_label.h"
#include "host/labels/object/open_resource.h"
#include "host/labels/plan/draft.h"

namespace svirt {
namespace {

Error NotKnown(const std::string &uuid) {
  return Error{Errc::kNotFound, "domain " + uuid + " has no labels on this host"};
}

Error NotUnderWay(const LabelOwner &owner) {
  return Error{Errc::kConflict, "domain " + owner.name +
                                    " is not being handed over; 'svirt handover begin-out' or "
                                    "'prepare-in' begins it"};
}

Domain ToDomain(const LabelOwner &owner) {
  Domain domain;
  domain.uuid = owner.uuid;
  domain.name = owner.name;
  domain.type = owner.virt_type;
  return domain;
}

// nullopt: the object is not the other host's, as the note says then.
Result<std::optional<JournalItem>> FindObject(Plugin *plugin, const Handover::Object &object,
                                              std::string *note) {
  const auto here = OpenExactly(-1, object.path);
  if (!here.ok() && here.error().code == Errc::kNotFound) {
    *note = object.path + " is not on this host";
    return std::optional<JournalItem>();
  }
  if (!here.ok()) {
    return here.error();
  }
  Resource resource;
  resource.path = object.path;
  resource.object = here->type;
  const Extent extent = object.is_entry ? Extent::kEntry : Extent::kObject;
  const ObjectLabel label{.plugin = plugin, .extent = extent, .label = object.label};
  SVIRT_ASSIGN(const OldLabel now, label.Read({&resource, here->fd.get()}));
  if (now != OldLabel{OldLabel::State::kPresent, object.label}) {
    *note = object.path + " has the label " + (now.label.empty() ? "(none)" : now.label) +
            " on this host and " + object.label + " on the other: it is not the same object";
    return std::optional<JournalItem>();
  }
  return std::optional<JournalItem>(JournalItem{.model = object.model,
                                                .path = object.path,
                                                .id = here->id,
                                                .old = object.old,
                                                .label = object.label,
                                                .exclusive = object.exclusive,
                                                .keep = object.keep,
                                                .away = true,
                                                .extent = extent});
}

}  // namespace

Result<Handover> HandoverDesk::BeginOut(const std::string &uuid) {
  SVIRT_ASSIGN(const auto state, store_->registry().Describe(uuid));
  if (!state) {
    return NotKnown(uuid);
  }
  const bool begun = state->handover == HandoverState::kOutgoing;
  const bool settled = state->handover == HandoverState::kNone;
  if (!begun && (!settled || (!state->pinned && state->processes.empty()))) {
    return Error{Errc::kConflict, "domain " + state->owner.name +
                                      (settled ? " does not run here, so it cannot be handed over"
                                               : " is being handed over already")};
  }
  SVIRT_TRY(store_->journal().SetHandover(uuid, HandoverState::kOutgoing));
  SVIRT_ASSIGN(const auto uses, store_->journal().Uses(uuid));
  Handover handover{state->owner, state->labels, {}};
  for (const JournalItem &use : uses) {
    if (use.old.state != OldLabel::State::kUnsupported) {
      handover.objects.push_back({use.model, use.path, use.old, use.label, use.exclusive, use.keep,
                                  use.extent == Extent::kEntry});
    }
  }
  return handover;
}

// The label must be one that this host would give out, too. Whether the domain there makes the same
// text of it, which depends on its XML, its start decides.
Status HandoverDesk::Reserve(const LabelOwner &owner, const HeldLabel &held) {
  Plugin *plugin = FindPlugin(plugins_, held.model);
  if (plugin == nullptr) {
    return Error{Errc::kRefused, "domain " + owner.name + " has a label of model " + held.model +
                                     ", which does not confine domains of type " + owner.virt_type +
                                     " on this host"};
  }
  SVIRT_ASSIGN(const ModelInfo info, plugin->GetModel(owner.virt_type));
  const Error differs{Errc::kRefused, "the " + held.model + " label " + held.label + " of domain " +
                                          owner.name + " is none that this host would give out"};
  const bool is_static = held.type == SecLabel::Type::kStatic;
  SecLabel seclabel;
  seclabel.type = held.type;
  seclabel.model = held.model;
  DomainRef ref = MakeDomainRef(ToDomain(owner), seclabel, {});
  LabelRequest request{.model = held.model,
                       .doi = info.doi,
                       .type = held.type,
                       .label = is_static ? held.label : "",
                       .runs = {}};
  SVIRT_ASSIGN(request.runs, plugin->LabelClaim(ref, held.label));
  if (!is_static && !request.runs.empty()) {
    SVIRT_ASSIGN(const IndexRuns space, plugin->LabelSpace(ref));
    if (CountIndexes(request.runs) != 1 || !ContainsIndex(space, request.runs.front().first)) {
      return differs;
    }
  }
  ref.seclabel.label = held.label;
  SVIRT_TRY(plugin->VerifyLabel(ref));
  const auto index = store_->registry().Acquire(owner, request);
  if (!index.ok() && index.error().code == Errc::kExhausted) {
    return Error{Errc::kConflict,
                 "the " + held.model + " label " + held.label + " of domain " + owner.name +
                     " is in use on this host; stop the domain that has it, which "
                     "'svirt labels' names, or start this one under another label"};
  }
  return index.ok() ? Status() : Status(index.error());
}

Status HandoverDesk::EnterObjects(const Handover &handover, std::vector<std::string> *notes) {
  SVIRT_ASSIGN(const StoreMark before, store_->registry().Mark());
  std::vector<JournalItem> found;
  for (const Handover::Object &object : handover.objects) {
    std::string note;
    SVIRT_ASSIGN(auto item, FindObject(FindPlugin(plugins_, object.model), object, &note));
    if (item) {
      found.push_back(std::move(*item));
    } else if (notes != nullptr) {
      notes->push_back(std::move(note));
    }
  }
  std::vector<const JournalItem *> items;
  for (const JournalItem &item : found) {
    items.push_back(&item);
  }
  const auto recorded = store_->journal().Record(
      handover.owner, handover.labels, items, before, false,
      [&items](size_t place) -> Result<OldLabel> { return items[place]->old; });
  return recorded.ok() ? Status() : Status(recorded.error());
}

Status HandoverDesk::PrepareIn(const Handover &handover, std::vector<std::string> *notes) {
  const LabelOwner &owner = handover.owner;
  SVIRT_ASSIGN(const auto state, store_->registry().Describe(owner.uuid));
  if (state) {
    return Error{Errc::kExists, "domain " + owner.name + " (" + owner.uuid +
                                    ") has labels on this host already; stop it, or run 'svirt "
                                    "recover' if it has ended"};
  }
  for (const Handover::Object &object : handover.objects) {
    const bool has_label =
        std::any_of(handover.labels.begin(), handover.labels.end(),
                    [&](const HeldLabel &held) { return held.model == object.model; });
    if (!has_label) {
      return Error{Errc::kInvalid, object.path + " has a label of model " + object.model +
                                       ", of which domain " + owner.name + " has none"};
    }
  }
  const auto prepare = [&]() -> Status {
    for (const HeldLabel &held : handover.labels) {
      SVIRT_TRY(Reserve(owner, held));
    }
    SVIRT_TRY(EnterObjects(handover, notes));
    SVIRT_TRY(store_->journal().SetHandover(owner.uuid, HandoverState::kIncoming));
    return store_->registry().DropOwnHold(owner.uuid);  // being on its way is what keeps it now
  };
  Status status = prepare();
  if (!status.ok()) {
    // Nothing was labelled, so giving the names back is all.
    [[maybe_unused]] const Status undone = Undo(store_, plugins_, owner.uuid, {}, true, nullptr);
  }
  return status;
}

Status HandoverDesk::Commit(const std::string &uuid) {
  SVIRT_ASSIGN(const auto state, store_->registry().Describe(uuid));
  if (!state) {
    return NotKnown(uuid);
  }
  if (state->handover == HandoverState::kIncoming) {
    return store_->journal().SetHandover(uuid, HandoverState::kNone);
  }
  if (state->handover != HandoverState::kOutgoing) {
    return NotUnderWay(state->owner);
  }
  SVIRT_TRY(store_->journal().SetHandover(uuid, HandoverState::kGone));
  // A process that still runs keeps the label in use here until it ends.
  return state->processes.empty() && !state->in_hypervisor
             ? Undo(store_, plugins_, uuid, {}, true, nullptr)
             : Status();
}

Status HandoverDesk::Cancel(const std::string &uuid) {
  SVIRT_ASSIGN(const auto state, store_->registry().Describe(uuid));
  if (!state) {
    return NotKnown(uuid);
  }
  if (state->handover == HandoverState::kOutgoing) {
    SVIRT_TRY(store_->journal().SetHandover(uuid, HandoverState::kNone));
    SVIRT_ASSIGN(const auto now, store_->registry().Describe(uuid));
    // It has ended meanwhile, and its end has left all to this.
    return now && !now->pinned && now->processes.empty()
               ? Undo(store_, plugins_, uuid, {}, true, nullptr)
               : Status();
  }
  if (state->handover != HandoverState::kIncoming) {
    return NotUnderWay(state->owner);
  }
  if (!state->processes.empty() || state->in_hypervisor) {
    return Error{Errc::kConflict, "domain " + state->owner.name + " runs here; stop it first"};
  }
  return Undo(store_, plugins_, uuid, {}, true, nullptr);
}

}  // namespace svirt
