// SPDX-License-Identifier: LGPL-2.1-or-later
// Restores objects one by one, sweeps trees, and withdraws the labels of a domain.
#include "host/labels/apply/undo.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
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

// What became of one object.
struct Restored {
  std::string note;         // a sentence if it was left alone
  bool is_lasting = false;  // a power failure changes nothing of it
};

// Which file systems may lose a label in a power failure that was set just before? Asks each once.
class FileSystems {
 public:
  bool MayLose(const OpenObject &object) {
    const std::lock_guard lock(mutex_);
    const auto [known, is_new] = may_lose_.try_emplace(object.id.dev, true);
    struct statfs system {};
    if (is_new && ::fstatfs(object.fd.get(), &system) == 0) {
      const auto type = static_cast<uint64_t>(system.f_type) & UINT32_MAX;
      known->second =
          std::find(kLoseNothing.begin(), kLoseNothing.end(), type) == kLoseNothing.end();
    }
    return known->second;
  }

 private:
  // In memory, where labels go with the power; or on a server, which has the label when the call
  // returns. What another host labelled there since is not to be taken for ours after a boot.
  static constexpr uint64_t kFuse = 0x65735546, kCifs = 0xff534d42, kSmb2 = 0xfe534d42,
                            kGfs2 = 0x01161970, kOcfs2 = 0x7461636f;
  static constexpr std::array<uint64_t, 15> kLoseNothing = {
      TMPFS_MAGIC,     RAMFS_MAGIC,  PROC_SUPER_MAGIC, SYSFS_MAGIC,      NFS_SUPER_MAGIC, kFuse,
      kCifs,           kSmb2,        V9FS_MAGIC,       CEPH_SUPER_MAGIC, kGfs2,           kOcfs2,
      AFS_SUPER_MAGIC, AFS_FS_MAGIC, CODA_SUPER_MAGIC};

  std::mutex mutex_;
  std::map<uint64_t, bool> may_lose_;
};

Result<Restored> RestoreObject(LabelStore *store, const std::vector<Plugin *> &plugins,
                               const UndoItem &item, FileSystems *file_systems) {
  Plugin *plugin = FindPlugin(plugins, item.model);
  if (plugin == nullptr) {
    return NotActive(item.model, item.path);
  }
  const auto object = OpenExactly(-1, item.path);
  if (!object.ok() && object.error().code == Errc::kNotFound) {
    // Files come and go in a directory in use; and an entry goes with its object.
    const bool is_expected = item.object >= kBelow || item.is_entry;
    return Restored{is_expected ? "" : item.path + " is gone, so its label was not restored", true};
  }
  if (!object.ok()) {
    return object.error();
  }
  if (!IsSame(item, object->id)) {
    return Restored{
        item.path + " is another object than the one that was labelled, and is left alone", true};
  }
  if (item.marked) {
    SVIRT_ASSIGN(const std::string host, store->HostName());
    SVIRT_TRY(RemoveMark(object->fd.get(), item.model, host));
    SVIRT_ASSIGN(std::string used, UsedElsewhere(*object, item));
    if (item.keeps_label || !used.empty()) {
      return Restored{std::move(used), true};
    }
  }
  Resource resource;
  resource.path = item.path;
  resource.object = object->type;
  const ResourceRef ref{&resource, object->fd.get()};
  const ObjectLabel label = LabelOf(plugin, item);
  SVIRT_ASSIGN(const OldLabel current, label.Read(ref));
  const bool is_lasting = !file_systems->MayLose(*object);
  if (current == item.old) {
    return Restored{"", is_lasting};
  }
  const bool ours = current.state == OldLabel::State::kPresent &&
                    (current.label == item.label || current.label == item.earlier_label);
  if (!ours) {
    return Restored{item.path + " was labelled by somebody else meanwhile (" +
                        (current.label.empty() ? "it has no label now" : current.label) +
                        "), and is left alone",
                    true};
  }
  SVIRT_TRY(label.GiveBack(store, ref, item.old));
  return Restored{"", is_lasting};
}

// One outcome per item, as of RestoreObject. A directory is the last of its tree: until nothing is
// left to be done below it, it stays what it is.
std::vector<Result<Restored>> RestoreAll(LabelStore *store, const std::vector<Plugin *> &plugins,
                                         const std::vector<UndoItem> &items) {
  FileSystems file_systems;
  std::vector<Result<Restored>> outcomes(items.size(), Restored());
  // Each has an outcome; none stops the others.
  [[maybe_unused]] const Status done = ForEach(items.size(), [&](size_t i) {
    if (!items[i].own_tree) {
      outcomes[i] = RestoreObject(store, plugins, items[i], &file_systems);
    }
    return Status();
  });
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].own_tree) {
      Status swept = SweepTree(store, plugins, items[i]);
      if (swept.ok()) {
        outcomes[i] = RestoreObject(store, plugins, items[i], &file_systems);
      } else {
        outcomes[i] = std::move(swept).error();
      }
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
  std::vector<Result<Restored>> outcomes = RestoreAll(store, plugins, items);
  Status first;
  UndoOutcome outcome;
  for (size_t i = 0; i < items.size(); ++i) {
    const UndoItem &item = items[i];
    auto &restored = outcomes[i];
    if (restored.ok()) {
      (restored->is_lasting ? outcome.lasting : outcome.done).push_back(&item);
      if (!restored->note.empty() && notes != nullptr) {
        notes->push_back(std::move(restored->note));
      }
    } else {
      outcome.failed.push_back(&item);
      if (first.ok()) {
        first =
            Error{restored.error().code,
                  "the label of " + item.path + " was not restored: " + restored.error().message,
                  restored.error().sys_errno};
      }
    }
  }
  if (release && outcome.failed.empty()) {
    first = Withdraw(plugins, list);
  }
  SVIRT_ASSIGN(const bool many_retired,
               store->journal().FinishUndo(uuid, outcome, release && first.ok()));
  if (first.ok() && many_retired) {
    first = SettleRetired(store);
  }
  return first;
}

// false: it cannot be found any more, or not be synced; then the journal keeps what it has.
bool SyncFileSystem(uint64_t device, std::string path) {
  struct stat status {};
  while (path.size() > 1) {
    path.resize(std::max<size_t>(path.rfind('/'), 1));
    const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
    if (directory && ::fstat(directory.get(), &status) == 0 &&
        (device == 0 || status.st_dev == device)) {
      return ::syncfs(directory.get()) == 0;
    }
  }
  return false;
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

Status UndoLost(LabelStore *store, const std::vector<Plugin *> &plugins, const LostOwner &lost) {
  UndoScope everything;
  everything.even_kept = true;
  everything.even_whole = true;
  // Most objects have it still, and that some are gone is nothing new.
  return Undo(store, plugins, lost.uuid, everything, true, nullptr);
}

Status SettleRetired(LabelStore *store) {
  SVIRT_ASSIGN(const auto owners, store->journal().Retired());
  std::map<uint64_t, bool> synced;
  std::vector<RetiredOwner> lasting;
  for (const RetiredOwner &owner : owners) {
    bool lasts = true;
    for (const auto &[device, path] : owner.devices) {
      const auto known = synced.find(device);
      if (device != 0 && known != synced.end()) {
        lasts = lasts && known->second;
      } else {
        synced[device] = SyncFileSystem(device, path);
        lasts = lasts && synced[device];
      }
    }
    if (lasts) {
      lasting.push_back(owner);
    }
  }
  return lasting.empty() ? Status() : store->journal().ForgetRetired(lasting);
}

}  // namespace svirt
