// SPDX-License-Identifier: LGPL-2.1-or-later
// The journal half of LabelStore: what the labels of objects were, and who uses them.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/labels/journal_rows.h"
#include "host/labels/label_clash.h"
#include "host/labels/label_store.h"
#include "host/labels/owners.h"
#include "host/labels/store_connection.h"

namespace svirt {
namespace {

// A use of an object about which somebody asks.
struct OtherUse {
  Use use;
  bool busy = false;  // a process that runs is giving the object its old label back
};

// All uses of the item's object, under every model.
Result<std::vector<OtherUse>> FindUses(Database *db, const JournalItem &item, int64_t boot) {
  std::vector<OtherUse> uses;
  SVIRT_ASSIGN(Query query,
               db->Ask("SELECT " SVIRT_USE_COLUMNS
                       ", iif(work_kind=2 OR work_kind=1 AND work_id=work, work_boot, NULL), "
                       "work_pid, work_start FROM use JOIN owner ON owner.id=use.owner "
                       "WHERE ino=?1 AND btime=?2 "
                       "AND " SVIRT_IS_SAME_OBJECT("use", "?3", "?4", "?5"),
                       item.id.ino, item.id.btime, item.id.dev, boot, item.path));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return uses;
    }
    OtherUse use{ReadUse(query)};
    if (auto boot_id = query.OptionalText(kUseColumns)) {
      use.busy = IsRunning({std::move(*boot_id), static_cast<pid_t>(query.Int(kUseColumns + 1)),
                            query.Unsigned(kUseColumns + 2)});
    }
    uses.push_back(std::move(use));
  }
}

// What stands between an item and the owner's use of it.
struct Obstacles {
  bool busy = false;              // a use is just being undone; the rest is not known
  std::string conflict;           // sentence; "" if there is none
  std::vector<const Use *> dead;  // of dead domains, in the way
};

Result<Obstacles> FindObstacles(Database *db, const std::vector<OtherUse> &uses,
                                const JournalItem &item, const std::string &uuid) {
  Obstacles obstacles;
  for (const auto &[use, in_undo] : uses) {
    // An entry is in the way of no label and of no other entry; nor does it matter to it that one
    // of them is just going.
    const bool stands_beside = use.is_entry() || item.extent == Extent::kEntry;
    const bool busy = in_undo && !stands_beside;
    const bool other_label = !stands_beside && use.model == item.model && use.label != item.label;
    if (!busy && !other_label && !use.exclusive && !item.exclusive) {
      continue;
    }
    SVIRT_ASSIGN(const OwnerRow owner, GetOwner(db, use.owner));
    if (owner.owner.uuid == uuid) {
      continue;
    }
    if (busy) {
      obstacles.busy = true;
      return obstacles;
    }
    SVIRT_ASSIGN(const bool live, IsLive(db, owner));
    if (!live) {
      // Under another model the dead domain's label stays to be undone by itself; so do entries.
      if (use.model == item.model && !stands_beside) {
        obstacles.dead.push_back(&use);
      }
      continue;
    }
    obstacles.conflict = item.path + " is in use by " + owner.Name();
    if (use.exclusive) {
      obstacles.conflict += ", which shares it with nobody; stop that domain first";
    } else if (item.exclusive) {
      obstacles.conflict +=
          ", and this domain would shut it out; declare the resource shareable or read-only in "
          "both, or stop that domain first";
    } else {
      obstacles.conflict += " under the label " + use.label + ", and this domain needs " +
                            item.label +
                            "; declare the resource alike in both, or stop that domain first";
    }
    return obstacles;
  }
  return obstacles;
}

Status EnterLabels(Database *db, int64_t owner, const std::vector<HeldLabel> &labels) {
  for (const HeldLabel &held : labels) {
    SVIRT_TRY(
        db->Run("INSERT INTO label VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE "
                "SET label=?6, image_label=?7 WHERE label<>?6 OR image_label<>?7",
                owner, held.model, held.doi, static_cast<int>(held.type), held.index, held.label,
                held.image_label));
  }
  return {};
}

// Enters items as uses of one owner.
class UseWriter {
 public:
  // work: what is done to objects that the owner did not use before; nullopt if that need not be
  // told.
  // directory: the number of the one that the first item may be below.
  UseWriter(Database *db, int64_t owner, int64_t boot, std::optional<int64_t> work,
            int64_t directory)
      : db_(db), owner_(owner), boot_(boot), work_(work), directory_(directory) {}

  // The object must be in nobody's way. uses: all of it; old: its label now.
  Result<Recorded> Enter(const std::vector<OtherUse> &uses, const JournalItem &item,
                         const OldLabel &old) {
    const bool is_entry = item.extent == Extent::kEntry;
    const Use *own = nullptr, *first = nullptr;  // first: with the label that was recorded first
    for (const OtherUse &other : uses) {
      if (other.use.model == item.model && other.use.is_entry() == is_entry) {
        first = is_entry ? nullptr : &other.use;
        own = other.use.owner == owner_ ? &other.use : own;
      }
    }
    SVIRT_ASSIGN(const Recorded recorded,
                 own != nullptr ? Update(*own, item, old) : Insert(first, item, old));
    if (!item.below) {
      directory_ = recorded.object;
      last_below_.reset();
    }
    return recorded;
  }

 private:
  // The number of a new use.
  Result<int64_t> Next(bool below) {
    // What is itself numbered as being below a directory has no range of its own.
    const bool ranged = below && directory_ < kBelow;
    std::optional<int64_t> &last = ranged ? last_below_ : last_;
    const int64_t begin = ranged ? directory_ * kBelow : 0;
    if (!last) {
      SVIRT_ASSIGN(const auto largest,
                   db_->AskInt("SELECT max(number) FROM use WHERE owner=?1 AND number>=?2 AND "
                               "number<?3",
                               owner_, begin, begin + kBelow));
      last = std::max(largest.value_or(0), begin);
    }
    return ++*last;
  }

  Result<Recorded> Update(const Use &own, const JournalItem &item, const OldLabel &old) {
    Recorded recorded{
        .object = own.number, .fresh = false, .previous = std::nullopt, .old = own.old};
    if (own.label != item.label) {
      recorded.previous = own.label;
    }
    SVIRT_TRY(
        db_->Run("UPDATE use SET label=?3, path=?4, dev=?5, boot=?6, earlier_label=?7, "
                 "exclusive=?8, keep=?9 OR (keep AND away), extent=?10, marked=marked OR ?11 "
                 "WHERE owner=?1 AND number=?2",
                 owner_, own.number, item.label, item.path, item.id.dev, boot_, old.label,
                 item.exclusive, item.keep, static_cast<int>(item.extent), item.marked));
    return recorded;
  }

  // The old label of the directory that an item is below.
  Result<OldLabel> OldOfDirectory() {
    SVIRT_ASSIGN(Query query,
                 db_->Ask("SELECT old_state, old_label FROM use WHERE owner=?1 AND number=?2",
                          owner_, directory_));
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return Error{Errc::kInternal, "the label database does not keep its directories"};
    }
    return OldLabel{static_cast<OldLabel::State>(query.Int(0)), query.Text(1)};
  }

  // What an object that the owner did not use before had before anybody of us labelled it.
  Result<OldLabel> OriginalOf(const Use *first, const JournalItem &item, const OldLabel &old) {
    if (first != nullptr) {
      return first->old;
    }
    if (item.inherits && old == OldLabel{OldLabel::State::kPresent, item.label}) {
      return OldOfDirectory();
    }
    if (item.remembered && old == OldLabel{OldLabel::State::kPresent, item.remembered->label}) {
      return item.remembered->old;
    }
    return old;
  }

  Result<Recorded> Insert(const Use *first, const JournalItem &item, const OldLabel &old) {
    SVIRT_ASSIGN(OldLabel original, OriginalOf(first, item, old));
    const auto earlier = original != old ? std::optional(old.label) : std::nullopt;
    SVIRT_ASSIGN(const int64_t number, Next(item.below));
    SVIRT_TRY(db_->Run(
        "INSERT INTO use VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
        "?14, ?15, ?16, ?17, ?18)",
        owner_, number, item.model, item.path, item.id.dev, item.id.ino, item.id.btime, boot_,
        static_cast<int>(original.state), original.label, item.label, earlier, item.exclusive,
        item.keep, item.away, static_cast<int>(item.extent), item.marked, work_));
    return Recorded{
        .object = number, .fresh = true, .previous = std::nullopt, .old = std::move(original)};
  }

  Database *db_;
  int64_t owner_, boot_;
  std::optional<int64_t> work_;
  int64_t directory_;  // of items that are below one
  std::optional<int64_t> last_, last_below_;
};

// Uses entered in one transaction: others write, too.
constexpr size_t kMostAtOnce = 10000;

}  // namespace

Result<std::vector<Recorded>> LabelStore::Record(
    const LabelOwner &owner, const std::vector<HeldLabel> &labels,
    const std::vector<const JournalItem *> &items, const StoreMark &before, bool unsettled,
    const std::function<Result<OldLabel>(size_t)> &reread) {
  std::vector<Recorded> recorded;
  recorded.reserve(items.size());
  Batch batch;
  do {
    batch.first = batch.end;
    batch.end = unsettled ? items.size() : std::min(items.size(), batch.first + kMostAtOnce);
    for (BusyWait wait;;) {
      SVIRT_ASSIGN(const bool done,
                   TryRecord(owner, labels, items, before, unsettled, reread, batch, &recorded));
      if (done) {
        break;
      }
      SVIRT_TRY(wait.Pause(owner.name));
    }
    for (size_t i = batch.first; i < batch.end; ++i) {
      batch.directory = items[i]->below ? batch.directory : recorded[i].object;
    }
  } while (batch.end < items.size());
  return recorded;
}

Result<bool> LabelStore::TryRecord(const LabelOwner &owner, const std::vector<HeldLabel> &labels,
                                   const std::vector<const JournalItem *> &items,
                                   const StoreMark &before, bool unsettled,
                                   const std::function<Result<OldLabel>(size_t)> &reread,
                                   const Batch &batch, std::vector<Recorded> *recorded) {
  recorded->resize(batch.first);
  SVIRT_ASSIGN(Writing db, Write());
  SVIRT_ASSIGN(const RestoredSince restored, RestoredSince::Read(db.get(), before.restored));
  SVIRT_ASSIGN(const int64_t id, EnterOwner(db.get(), owner, self_));
  for (const HeldLabel &held : labels) {
    SVIRT_ASSIGN(const std::string clash, FindLabelClash(db.get(), owner, held));
    if (!clash.empty()) {
      return Refusal(clash);
    }
  }
  SVIRT_TRY(EnterLabels(db.get(), id, labels));
  SVIRT_ASSIGN(const int64_t boot, BootNumber(db.get(), self_.boot_id));
  std::optional<int64_t> work;
  if (unsettled) {
    SVIRT_ASSIGN(work, BeginWork(db.get(), id, WorkKind::kApply, self_));
  }
  UseWriter writer(db.get(), id, boot, work, batch.directory);
  for (size_t i = batch.first; i < batch.end; ++i) {
    const JournalItem &item = *items[i];
    SVIRT_ASSIGN(const auto uses, FindUses(db.get(), item, boot));
    SVIRT_ASSIGN(const Obstacles obstacles, FindObstacles(db.get(), uses, item, owner.uuid));
    if (obstacles.busy) {
      return false;
    }
    if (!obstacles.conflict.empty()) {
      return Error{Errc::kConflict, obstacles.conflict};
    }
    for (const Use *dead : obstacles.dead) {
      SVIRT_TRY(GiveUpUse(db.get(), dead->owner, dead->number));
    }
    OldLabel old = item.old;
    if (restored.MayHave(item.id)) {
      SVIRT_ASSIGN(old, reread(i));
    }
    SVIRT_ASSIGN(const Recorded entry, writer.Enter(uses, item, old));
    recorded->push_back(entry);
  }
  // The sync of the last batch is one for all of them.
  const bool durable = !items.empty() && batch.end == items.size();
  SVIRT_TRY(durable ? db.CommitDurably() : db.Commit());
  return true;
}

Status LabelStore::Settle(const std::string &uuid) {
  SVIRT_ASSIGN(Writing db, Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (owner) {
    SVIRT_TRY(EndWork(db.get(), owner->id));
  }
  return db.Commit();
}

Result<bool> LabelStore::IsWhole(const std::string &uuid, const JournalItem &directory) {
  SVIRT_ASSIGN(const Connection db, Connect());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  SVIRT_ASSIGN(const auto boot, db->AskInt("SELECT id FROM boot WHERE boot_id=?1", self_.boot_id));
  SVIRT_ASSIGN(const auto uses, FindUses(db.get(), directory, boot.value_or(0)));
  return owner && std::any_of(uses.begin(), uses.end(), [&](const OtherUse &other) {
           return other.use.owner == owner->id && other.use.model == directory.model &&
                  other.use.extent == Extent::kWhole && other.use.label == directory.label &&
                  !other.busy;
         });
}

Result<bool> LabelStore::IsUsed(const JournalItem &item) {
  SVIRT_ASSIGN(const Connection db, Connect());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const auto boot, db->AskInt("SELECT id FROM boot WHERE boot_id=?1", self_.boot_id));
  SVIRT_ASSIGN(const auto uses, FindUses(db.get(), item, boot.value_or(0)));
  return std::any_of(uses.begin(), uses.end(), [&item](const OtherUse &other) {
    return other.use.model == item.model && !other.use.is_entry();
  });
}

Result<bool> LabelStore::IsUsedBy(const std::string &uuid, const JournalItem &item) {
  SVIRT_ASSIGN(const Connection db, Connect());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  SVIRT_ASSIGN(const auto boot, db->AskInt("SELECT id FROM boot WHERE boot_id=?1", self_.boot_id));
  SVIRT_ASSIGN(const auto uses, FindUses(db.get(), item, boot.value_or(0)));
  return owner && std::any_of(uses.begin(), uses.end(), [&owner](const OtherUse &other) {
           return other.use.owner == owner->id;
         });
}

Result<std::string> LabelStore::FindClash(const LabelOwner &owner, const HeldLabel &held) {
  SVIRT_ASSIGN(const Connection db, Connect());
  const Snapshot snapshot(db.get());
  return FindLabelClash(db.get(), owner, held);
}

Status LabelStore::SetWhole(const std::string &uuid, const std::vector<int64_t> &directories) {
  SVIRT_ASSIGN(Writing db, Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  for (const int64_t directory : directories) {
    if (owner && directory < kBelow) {
      SVIRT_TRY(
          db->Run("UPDATE use SET extent=2 WHERE owner=?1 AND number=?2", owner->id, directory));
    }
  }
  return db.Commit();
}

Result<std::string> LabelStore::FindConflict(const std::string &uuid, const JournalItem &item) {
  SVIRT_ASSIGN(const Connection db, Connect());
  const Snapshot snapshot(db.get());
  // Entering the boot would be a change; one that is not there has labelled nothing.
  SVIRT_ASSIGN(const auto boot, db->AskInt("SELECT id FROM boot WHERE boot_id=?1", self_.boot_id));
  SVIRT_ASSIGN(const auto uses, FindUses(db.get(), item, boot.value_or(0)));
  SVIRT_ASSIGN(Obstacles obstacles, FindObstacles(db.get(), uses, item, uuid));
  return std::move(obstacles.conflict);
}

}  // namespace svirt
