// SPDX-License-Identifier: LGPL-2.1-or-later
// Restores objects one by one, sweeps trees, and withdraws the labels of a domain.
#include "host/labels/apply/undo.h"

#include <optional>
#include <utility>
#include <vector>

#include "host/labels/object/label_mark.h"
#include "host/labels/object/object_label.h"
#include "host/labels/object/open_resource.h"
#include "host/labels/object/tree_walk.h"
#include "host/labels/plan/draft.h"
#include "host/labels/plan/seclabel_rules.h"
#include "host/labels/store/journal_rows.h"
#include "host/util/parallel.h"

namespace svirt {
namespace {

Error NotActive(const std::string &model, const std::string &what) {
  return Error{Errc::kRefused, what + " has a label of model " + model +
                                   ", whose plugin is not active here; activate it and try again"};
}

// Device numbers do not survive a boot.
bool IsSame(const UndoItem &item, const ObjectId &id) {
  if (item.earlier_boot) {
    return id.btime != 0 && id.ino == item.id.ino && id.btime == item.id.btime;
  }
  return id == item.id;
}

ObjectLabel LabelOf(Plugin *plugin, const UndoItem &item) {
  return {.plugin = plugin,
          .extent = item.is_entry ? Extent::kEntry : Extent::kObject,
          .label = item.label};
}

// What the domain itself has put below its directory bears its label, which is given to somebody
// else one day; it gets that of the directory, as what its owner puts there does. What is in the
// journal has an old label of its own.
Status SweepTree(LabelStore *store, const std::vector<Plugin *> &plugins, const UndoItem &item) {
  Plugin *plugin = FindPlugin(plugins, item.model);
  const auto directory = OpenExactly(-1, item.path);
  if (plugin == nullptr || !directory.ok() || !IsSame(item, directory->id)) {
    return {};  // as RestoreObject will say
  }
  return WalkTree(directory->fd.get(), [&](const OpenObject &object, size_t) -> Result<bool> {
    if (!OutlivesItsMaker(object.type)) {
      return false;
    }
    Resource resource;
    resource.path = item.path + "/" + object.path;
    resource.object = object.type;
    const ResourceRef ref{&resource, object.fd.get()};
    SVIRT_ASSIGN(const OldLabel current, ReadLabel(plugin, ref));
    if (current != OldLabel{OldLabel::State::kPresent, item.label}) {
      return true;
    }
    JournalItem entry;
    entry.model = item.model;
    entry.path = resource.path;
    entry.id = object.id;
    SVIRT_ASSIGN(const bool used, store->journal().IsUsed(entry));
    if (!used) {
      SVIRT_TRY(LabelOf(plugin, item).GiveBack(store, ref, item.old));
    }
    return !used;  // a directory that is still used is whole with what was made in it
  });
}

// A sentence if a mark of another host says that it uses the object, else "". Marks that mean
// nothing any more are taken off: the object was labelled anew since, or is a copy.
Result<std::string> UsedElsewhere(const OpenObject &object, const UndoItem &item) {
  SVIRT_ASSIGN(const auto marks, ReadMarks(object.fd.get(), item.model));
  for (const LabelMark &mark : marks) {
    if (mark.IsAbout(object.id) && mark.label == item.label) {
      return item.path +
             " is used by another host, too, which will give it its old label back; if "
             "that host is gone for ever, run 'setfattr -x trusted.svirt." +
             item.model + "." + mark.host + "' on it and label it yourself";
    }
  }
  for (const LabelMark &mark : marks) {
    SVIRT_TRY(RemoveMark(object.fd.get(), item.model, mark.host));
  }
  return std::string();
}

// A sentence if the object is left alone, "" if it has its old label now.
Result<std::string> RestoreObject(LabelStore *store, const std::vector<Plugin *> &plugins,
                                  const UndoItem &item) {
  Plugin *plugin = FindPlugin(plugins, item.model);
  if (plugin == nullptr) {
    return NotActive(item.model, item.path);
  }
  const auto object = OpenExactly(-1, item.path);
  if (!object.ok() && object.error().code == Errc::kNotFound) {
    // Files come and go in a directory in use; and an entry goes with its object.
    const bool is_expected = item.object >= kBelow || item.is_entry;
    return is_expected ? "" : item.path + " is gone, so its label was not restored";
  }
  if (!object.ok()) {
    return object.error();
  }
  if (!IsSame(item, object->id)) {
    return item.path + " is another object than the one that was labelled, and is left alone";
  }
  if (item.marked) {
    SVIRT_ASSIGN(const std::string host, store->HostName());
    SVIRT_TRY(RemoveMark(object->fd.get(), item.model, host));
    SVIRT_ASSIGN(const std::string used, UsedElsewhere(*object, item));
    if (item.keeps_label || !used.empty()) {
      return used;
    }
  }
  Resource resource;
  resource.path = item.path;
  resource.object = object->type;
  const ResourceRef ref{&resource, object->fd.get()};
  const ObjectLabel label = LabelOf(plugin, item);
  SVIRT_ASSIGN(const OldLabel current, label.Read(ref));
  if (current == item.old) {
    return std::string();
  }
  const bool ours = current.state == OldLabel::State::kPresent &&
                    (current.label == item.label || current.label == item.earlier_label);
  if (!ours) {
    return item.path + " was labelled by somebody else meanwhile (" +
           (current.label.empty() ? "it has no label now" : current.label) + "), and is left alone";
  }
  SVIRT_TRY(label.GiveBack(store, ref, item.old));
  return std::string();
}

// One outcome per item, as of RestoreObject. A directory is the last of its tree: until nothing is
// left to be done below it, it stays what it is.
std::vector<Result<std::string>> RestoreAll(LabelStore *store, const std::vector<Plugin *> &plugins,
                                            const std::vector<UndoItem> &items) {
  std::vector<Result<std::string>> outcomes(items.size(), std::string());
  // Each has an outcome; none stops the others.
  [[maybe_unused]] const Status done = ForEach(items.size(), [&](size_t i) {
    if (!items[i].own_tree) {
      outcomes[i] = RestoreObject(store, plugins, items[i]);
    }
    return Status();
  });
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].own_tree) {
      Status swept = SweepTree(store, plugins, items[i]);
      outcomes[i] = swept.ok() ? RestoreObject(store, plugins, items[i]) : std::move(swept).error();
    }
  }
  return outcomes;
}

// Withdraws the domain's labels from the system: a profile model unloads its policy.
Status Withdraw(const std::vector<Plugin *> &plugins, const UndoList &list) {
  Status first;
  for (const HeldLabel &held : list.labels) {
    Plugin *plugin = FindPlugin(plugins, held.model);
    Status status;
    if (plugin == nullptr) {
      status = NotActive(held.model, "domain " + list.owner.name);
    } else {
      DomainRef ref;
      ref.uuid = list.owner.uuid;
      ref.name = list.owner.name;
      ref.virt_type = list.owner.virt_type;
      ref.seclabel = {.type = held.type,
                      .model = held.model,
                      .label = held.label,
                      .image_label = held.image_label,
                      .base_label = ""};
      status = plugin->SetLabel(ref, std::nullopt);
    }
    if (!status.ok() && first.ok()) {
      first = std::move(status);
    }
  }
  return first;
}

Status UndoAll(LabelStore *store, const std::vector<Plugin *> &plugins, const std::string &uuid,
               const UndoScope &scope, bool release, std::vector<std::string> *notes) {
  SVIRT_ASSIGN(const UndoList list, store->journal().BeginUndo(uuid, scope));
  if (list.outgoing && notes != nullptr) {
    notes->push_back("the labels of domain " + list.owner.name +
                     " stay as they are until 'svirt handover commit' or 'cancel' says which host "
                     "keeps it");
  }
  if (list.outgoing || list.owner.uuid.empty()) {
    return {};
  }
  const std::vector<UndoItem> &items = list.items;
  std::vector<Result<std::string>> outcomes = RestoreAll(store, plugins, items);
  Status first;
  std::vector<const UndoItem *> done, failed;
  for (size_t i = 0; i < items.size(); ++i) {
    const UndoItem &item = items[i];
    auto &restored = outcomes[i];
    if (restored.ok()) {
      done.push_back(&item);
      if (!restored->empty() && notes != nullptr) {
        notes->push_back(std::move(*restored));
      }
    } else {
      failed.push_back(&item);
      if (first.ok()) {
        first =
            Error{restored.error().code,
                  "the label of " + item.path + " was not restored: " + restored.error().message,
                  restored.error().sys_errno};
      }
    }
  }
  if (release && failed.empty()) {
    first = Withdraw(plugins, list);
  }
  SVIRT_TRY(store->journal().FinishUndo(uuid, done, failed, release && first.ok()));
  return first;
}

}  // namespace

Status Undo(LabelStore *store, const std::vector<Plugin *> &plugins, const std::string &uuid,
            const UndoScope &scope, bool release, std::vector<std::string> *notes) {
  Status status = UndoAll(store, plugins, uuid, scope, release, notes);
  if (release && !status.ok()) {
    // What is left stays in the journal, for whoever tries again; it does not live by this process.
    SVIRT_TRY(store->registry().DropOwnHold(uuid));
  }
  return status;
}

}  // namespace svirt
