// SPDX-License-Identifier: LGPL-2.1-or-later
// Records uses of objects, and finds what stands in their way.
#include "host/labels/store/journal.h"

#include <algorithm>
#include <utility>

#include "host/labels/store/journal_rows.h"
#include "host/labels/store/label_clash.h"
#include "host/labels/store/liveness.h"
#include "host/labels/store/registry_rows.h"
#include "host/labels/store/undo_wait.h"

namespace svirt {
namespace {

// What stands between an item and the owner's use of it.
struct Obstacles {
  bool busy = false;              // a use is just being undone; the rest is not known
  std::string conflict;           // sentence; "" if there is none
  std::vector<const Use *> dead;  // of dead domains, in the way
};

Result<Obstacles> FindObstacles(Database *db, const std::vector<UseOfObject> &uses,
                                const JournalItem &item, const std::string &uuid) {
  Obstacles obstacles;
  for (const auto &[use, undoing] : uses) {
    // An entry is in the way of no label and of no other entry; nor does it matter to it that one
    // of them is just going.
    const bool stands_beside = use.is_entry() || item.extent == Extent::kEntry;
    const bool busy = !stands_beside && undoing && IsRunning(*undoing);
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
  Result<Recorded> Enter(const std::vector<UseOfObject> &uses, const JournalItem &item,
                         const OldLabel &old) {
    const bool is_entry = item.extent == Extent::kEntry;
    const Use *own = nullptr, *first = nullptr;  // first: with the label that was recorded first
    for (const UseOfObject &other : uses) {
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
      SVIRT_ASSIGN(const auto largest, LargestNumber(db_, owner_, begin, begin + kBelow));
      last = std::max(largest.value_or(begin), begin);
    }
    return ++*last;
  }

  Result<Recorded> Update(const Use &own, const JournalItem &item, const OldLabel &old) {
    Recorded recorded{
        .object = own.number, .fresh = false, .previous = std::nullopt, .old = own.old};
    if (own.label != item.label) {
      recorded.previous = own.label;
    }
    Use use = UseBy(item);
    use.number = own.number;
    use.earlier_label = old.label;
    SVIRT_TRY(UpdateUse(db_, use));
    return recorded;
  }

  // As it stands when the item has been labelled, but for its number and what it had before.
  Use UseBy(const JournalItem &item) const {
    return {.owner = owner_,
            .model = item.model,
            .path = item.path,
            .object = item.id,
            .boot = boot_,
            .old = {},
            .label = item.label,
            .earlier_label = std::nullopt,
            .exclusive = item.exclusive,
            .keep = item.keep,
            .away = item.away,
            .extent = item.extent,
            .marked = item.marked,
            .work = work_};
  }

  // What an object that the owner did not use before had before anybody of us labelled it.
  Result<OldLabel> OriginalOf(const Use *first, const JournalItem &item, const OldLabel &old) {
    if (first != nullptr) {
      return first->old;
    }
    if (item.inherits && old == OldLabel{OldLabel::State::kPresent, item.label}) {
      return OldLabelOf(db_, owner_, directory_);
    }
    if (item.remembered && old == OldLabel{OldLabel::State::kPresent, item.remembered->label}) {
      return item.remembered->old;
    }
    return old;
  }

  Result<Recorded> Insert(const Use *first, const JournalItem &item, const OldLabel &old) {
    Use use = UseBy(item);
    SVIRT_ASSIGN(use.old, OriginalOf(first, item, old));
    if (use.old != old) {
      use.earlier_label = old.label;
    }
    SVIRT_ASSIGN(use.number, Next(item.below));
    SVIRT_TRY(InsertUse(db_, use));
    return Recorded{
        .object = use.number, .fresh = true, .previous = std::nullopt, .old = std::move(use.old)};
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

Result<std::vector<Recorded>> Journal::Record(
    const LabelOwner &owner, const std::vector<HeldLabel> &labels,
    const std::vector<const JournalItem *> &items, const StoreMark &before, bool unsettled,
    const std::function<Result<OldLabel>(size_t)> &reread) {
  std::vector<Recorded> recorded;
  recorded.reserve(items.size());
  Batch batch;
  do {
    batch.first = batch.end;
    batch.end = unsettled ? items.size() : std::min(items.size(), batch.first + kMostAtOnce);
    for (UndoWait wait;;) {
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

Result<bool> Journal::TryRecord(const LabelOwner &owner, const std::vector<HeldLabel> &labels,
                                const std::vector<const JournalItem *> &items,
                                const StoreMark &before, bool unsettled,
                                const std::function<Result<OldLabel>(size_t)> &reread,
                                const Batch &batch, std::vector<Recorded> *recorded) {
  recorded->resize(batch.first);
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(const RestoredSince restored, RestoredSince::Read(db.get(), before.restored));
  SVIRT_ASSIGN(const int64_t id, EnterOwner(db.get(), owner, database_->self()));
  for (const HeldLabel &held : labels) {
    SVIRT_ASSIGN(const std::string clash, FindLabelClash(db.get(), owner, held));
    if (!clash.empty()) {
      return Refusal(clash);
    }
  }
  for (const HeldLabel &held : labels) {
    SVIRT_TRY(EnterLabel(db.get(), id, held));
  }
  SVIRT_ASSIGN(const int64_t boot, BootNumber(db.get(), database_->self().boot_id));
  std::optional<int64_t> work;
  if (unsettled) {
    SVIRT_ASSIGN(work, BeginWork(db.get(), id, WorkKind::kApply, database_->self()));
  }
  UseWriter writer(db.get(), id, boot, work, batch.directory);
  for (size_t i = batch.first; i < batch.end; ++i) {
    const JournalItem &item = *items[i];
    SVIRT_ASSIGN(const auto uses, UsesOfObject(db.get(), item, boot));
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

Status Journal::Settle(const std::string &uuid) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (owner) {
    SVIRT_TRY(EndWork(db.get(), owner->id));
  }
  return db.Commit();
}

Result<bool> Journal::IsWhole(const std::string &uuid, const JournalItem &directory) {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  SVIRT_ASSIGN(const int64_t boot, KnownBoot(db.get(), database_->self().boot_id));
  SVIRT_ASSIGN(const auto uses, UsesOfObject(db.get(), directory, boot));
  return owner && std::any_of(uses.begin(), uses.end(), [&](const UseOfObject &other) {
           return other.use.owner == owner->id && other.use.model == directory.model &&
                  other.use.extent == Extent::kWhole && other.use.label == directory.label &&
                  !(other.undoing && IsRunning(*other.undoing));
         });
}

Result<bool> Journal::IsUsed(const JournalItem &item) {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const int64_t boot, KnownBoot(db.get(), database_->self().boot_id));
  SVIRT_ASSIGN(const auto uses, UsesOfObject(db.get(), item, boot));
  return std::any_of(uses.begin(), uses.end(), [&item](const UseOfObject &other) {
    return other.use.model == item.model && !other.use.is_entry();
  });
}

Result<bool> Journal::IsUsedBy(const std::string &uuid, const JournalItem &item) {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  SVIRT_ASSIGN(const int64_t boot, KnownBoot(db.get(), database_->self().boot_id));
  SVIRT_ASSIGN(const auto uses, UsesOfObject(db.get(), item, boot));
  return owner && std::any_of(uses.begin(), uses.end(), [&owner](const UseOfObject &other) {
           return other.use.owner == owner->id;
         });
}

Status Journal::SetWhole(const std::string &uuid, const std::vector<int64_t> &directories) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  for (const int64_t directory : directories) {
    if (owner && directory < kBelow) {
      SVIRT_TRY(SetWholeRow(db.get(), owner->id, directory));
    }
  }
  return db.Commit();
}

Result<std::string> Journal::FindConflict(const std::string &uuid, const JournalItem &item) {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const int64_t boot, KnownBoot(db.get(), database_->self().boot_id));
  SVIRT_ASSIGN(const auto uses, UsesOfObject(db.get(), item, boot));
  SVIRT_ASSIGN(Obstacles obstacles, FindObstacles(db.get(), uses, item, uuid));
  return std::move(obstacles.conflict);
}

Result<std::vector<JournalItem>> Journal::Uses(const std::string &uuid) {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  std::vector<JournalItem> items;
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return items;
  }
  SVIRT_TRY(ForEachUse(db.get(), owner->id, 0, kLastNumber, [&items](UseOfOwner own) {
    Use &use = own.use;
    items.push_back({.model = std::move(use.model),
                     .path = std::move(use.path),
                     .id = use.object,
                     .old = std::move(use.old),
                     .label = std::move(use.label),
                     .exclusive = use.exclusive,
                     .keep = use.keep || own.is_shared,
                     .away = use.away,
                     .extent = use.extent});
  }));
  std::reverse(items.begin(), items.end());
  return items;
}

Result<int64_t> Journal::CountUsesOf(const std::string &uuid) {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  return owner ? CountUses(db.get(), owner->id) : Result<int64_t>(0);
}

Status Journal::SetHandover(const std::string &uuid, HandoverState state) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return Error{Errc::kNotFound, "no labels are entered for domain " + uuid};
  }
  SVIRT_TRY(SetHandoverRow(db.get(), owner->id, state));
  if (state == HandoverState::kNone || state == HandoverState::kGone) {
    SVIRT_TRY(SetAway(db.get(), owner->id, state == HandoverState::kGone));
  }
  // Once another host may rely on it, a power failure must not take it back.
  return db.CommitDurably();
}

}  // namespace svirt
