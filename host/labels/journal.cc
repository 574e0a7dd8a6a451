// SPDX-License-Identifier: LGPL-2.1-or-later
// The journal half of LabelStore: what the labels of objects were, and who uses them.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "host/labels/journal_rows.h"
#include "host/labels/label_store.h"
#include "host/labels/owners.h"
#include "host/labels/store_connection.h"

namespace svirt {
namespace {

using Durability = Transaction::Durability;
// After a boot the device number may be another one. Then inode number and birth tell the object
// if its path or its device number is the same; without a birth time it cannot be told.
bool IsSame(const ObjectRow &row, const JournalItem &item, int64_t boot) {
  if (row.boot == boot) {
    return row.object == item.id;
  }
  return item.id.btime != 0 && row.object.ino == item.id.ino && row.object.btime == item.id.btime &&
         (row.path == item.path || row.object.dev == item.id.dev);
}

// The rows of all models for the item's object.
Result<std::vector<ObjectRow>> FindObjects(Database *db, const JournalItem &item, int64_t boot) {
  std::vector<ObjectRow> rows;
  SVIRT_ASSIGN(Query query,
               db->Ask("SELECT " SVIRT_OBJECT_COLUMNS " FROM object WHERE ino=?1 AND btime=?2",
                       item.id.ino, item.id.btime));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return rows;
    }
    ObjectRow object = ReadObject(query);
    if (IsSame(object, item, boot)) {
      rows.push_back(std::move(object));
    }
  }
}

// What stands between an item and the owner's use of it.
struct Obstacles {
  bool busy = false;     // a use is just being undone; the rest is not known
  std::string conflict;  // sentence; "" if there is none
  // Uses (object, owner) of dead domains that are in the way.
  std::vector<std::pair<int64_t, int64_t>> dead;
};

Result<Obstacles> FindObstacles(Database *db, const std::vector<ObjectRow> &objects,
                                const JournalItem &item, const std::string &uuid) {
  Obstacles obstacles;
  for (const ObjectRow &object : objects) {
    SVIRT_ASSIGN(const auto uses, FindUses(db, object.id));
    for (const Use &use : uses) {
      const bool other_label = object.model == item.model && object.label != item.label;
      if (!use.busy && !other_label && !use.exclusive && !item.exclusive) {
        continue;
      }
      SVIRT_ASSIGN(const OwnerRow owner, GetOwner(db, use.owner));
      if (owner.owner.uuid == uuid) {
        continue;
      }
      if (use.busy) {
        obstacles.busy = true;
        return obstacles;
      }
      SVIRT_ASSIGN(const bool live, IsLive(db, owner));
      if (!live) {
        // Under another model the dead domain's label stays to be undone by itself.
        if (object.model == item.model) {
          obstacles.dead.emplace_back(object.id, use.owner);
        }
        continue;
      }
      if (use.exclusive) {
        obstacles.conflict = item.path + " is in use by " + owner.Name() +
                             ", which shares it with nobody; stop that domain first";
      } else if (item.exclusive) {
        obstacles.conflict = item.path + " is in use by " + owner.Name() +
                             ", and this domain would shut it out; declare the resource shareable "
                             "or read-only in both, or stop that domain first";
      } else {
        obstacles.conflict = item.path + " is in use by " + owner.Name() + " under the label " +
                             object.label + ", and this domain needs " + item.label +
                             "; declare the resource alike in both, or stop that domain first";
      }
      return obstacles;
    }
  }
  return obstacles;
}

Status EnterLabels(Database *db, int64_t owner, const std::vector<HeldLabel> &labels) {
  for (const HeldLabel &held : labels) {
    SVIRT_TRY(
        db->Run("INSERT INTO label VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE "
                "SET label=?6, image_label=?7",
                owner, held.model, held.doi, static_cast<int>(held.type), held.index, held.label,
                held.image_label));
  }
  return {};
}

// Enters the owner's use of an object that is in nobody's way. work: what is done to objects that
// the domain did not use before; nullopt if that need not be told.
Result<Recorded> EnterUse(Database *db, const ObjectRow *object, const JournalItem &item,
                          const OldLabel &old, int64_t owner, int64_t boot,
                          std::optional<uint64_t> work) {
  Recorded recorded;
  if (object == nullptr) {
    SVIRT_TRY(
        db->Run("INSERT INTO object(model, path, dev, ino, btime, boot, old_state, old_label, "
                "label) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                item.model, item.path, item.id.dev, item.id.ino, item.id.btime, boot,
                static_cast<int>(old.state), old.label, item.label));
    recorded.object = db->LastInsertId();
    recorded.fresh = true;
  } else {
    recorded.object = object->id;
    SVIRT_ASSIGN(const auto used,
                 db->AskInt("SELECT 1 FROM use WHERE object=?1 AND owner=?2", object->id, owner));
    recorded.fresh = !used.has_value();
    if (used && object->label != item.label) {
      recorded.previous = object->label;
    }
    SVIRT_TRY(
        db->Run("UPDATE object SET label=?2, path=?3, dev=?4, boot=?5, earlier_label=?6 WHERE "
                "id=?1",
                object->id, item.label, item.path, item.id.dev, boot, old.label));
  }
  SVIRT_TRY(
      db->Run("INSERT INTO use VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET exclusive=?3, "
              "keep=?4",
              recorded.object, owner, item.exclusive, item.keep, work));
  return recorded;
}

}  // namespace

Result<int64_t> LabelStore::Generation() {
  SVIRT_ASSIGN(const Connection db, Connect());
  SVIRT_ASSIGN(const auto restored, db->AskInt("SELECT restored FROM meta"));
  return restored.value_or(0);
}

Result<std::vector<Recorded>> LabelStore::Record(
    const LabelOwner &owner, const std::vector<HeldLabel> &labels,
    const std::vector<const JournalItem *> &items, int64_t generation, bool unsettled,
    const std::function<Result<OldLabel>(size_t)> &reread) {
  SVIRT_ASSIGN(const Connection db, Connect());
  for (BusyWait wait;;) {
    SVIRT_ASSIGN(auto recorded,
                 TryRecord(db.get(), owner, labels, items, generation, unsettled, reread));
    if (recorded) {
      return std::move(*recorded);
    }
    SVIRT_TRY(wait.Pause(owner.name));
  }
}

// nullopt: an object is busy.
Result<std::optional<std::vector<Recorded>>> LabelStore::TryRecord(
    Database *database, const LabelOwner &owner, const std::vector<HeldLabel> &labels,
    const std::vector<const JournalItem *> &items, int64_t generation, bool unsettled,
    const std::function<Result<OldLabel>(size_t)> &reread) {
  using Outcome = std::optional<std::vector<Recorded>>;
  SVIRT_ASSIGN(
      Transaction transaction,
      Transaction::Begin(database, items.empty() ? Durability::kOrdered : Durability::kDurable));
  SVIRT_ASSIGN(const auto now, database->AskInt("SELECT restored FROM meta"));
  SVIRT_ASSIGN(const ProcessId self, IdentifyProcess(::getpid()));
  SVIRT_ASSIGN(const int64_t id, EnterOwner(database, owner, self));
  SVIRT_TRY(EnterLabels(database, id, labels));
  SVIRT_ASSIGN(const int64_t boot, BootNumber(database, self.boot_id));
  std::optional<uint64_t> work;
  if (unsettled) {
    SVIRT_ASSIGN(work, BeginWork(database, id, WorkKind::kApply, self));
  }
  std::vector<Recorded> recorded;
  recorded.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const JournalItem &item = *items[i];
    SVIRT_ASSIGN(const auto objects, FindObjects(database, item, boot));
    SVIRT_ASSIGN(const Obstacles obstacles, FindObstacles(database, objects, item, owner.uuid));
    if (obstacles.busy) {
      return Outcome();
    }
    if (!obstacles.conflict.empty()) {
      return Error{Errc::kConflict, obstacles.conflict};
    }
    for (const auto &[object, dead] : obstacles.dead) {
      SVIRT_TRY(database->Run("DELETE FROM use WHERE object=?1 AND owner=?2", object, dead));
    }
    const auto own = std::find_if(objects.begin(), objects.end(), [&item](const ObjectRow &object) {
      return object.model == item.model;
    });
    OldLabel old = item.old;
    if (now != generation) {
      SVIRT_ASSIGN(old, reread(i));
    }
    SVIRT_ASSIGN(const Recorded entry, EnterUse(database, own == objects.end() ? nullptr : &*own,
                                                item, old, id, boot, work));
    recorded.push_back(entry);
  }
  SVIRT_TRY(transaction.Commit());
  return Outcome(std::move(recorded));
}

Status LabelStore::Settle(const std::string &uuid) {
  SVIRT_ASSIGN(const Connection db, Connect());
  SVIRT_ASSIGN(Transaction transaction, Transaction::Begin(db.get(), Durability::kOrdered));
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (owner) {
    SVIRT_TRY(EndWork(db.get(), owner->id));
  }
  return transaction.Commit();
}

Result<std::string> LabelStore::FindConflict(const std::string &uuid, const JournalItem &item) {
  SVIRT_ASSIGN(const Connection db, Connect());
  SVIRT_ASSIGN(const ProcessId self, IdentifyProcess(::getpid()));
  // Entering the boot would be a change; one that is not there has labelled nothing.
  SVIRT_ASSIGN(const auto boot, db->AskInt("SELECT id FROM boot WHERE boot_id=?1", self.boot_id));
  SVIRT_ASSIGN(const auto objects, FindObjects(db.get(), item, boot.value_or(0)));
  SVIRT_ASSIGN(Obstacles obstacles, FindObstacles(db.get(), objects, item, uuid));
  return std::move(obstacles.conflict);
}

}  // namespace svirt
