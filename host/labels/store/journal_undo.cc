// SPDX-License-Identifier: LGPL-2.1-or-later
// Hands out what an owner's objects had before, and forgets what they have got back.
#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "host/labels/store/journal.h"
#include "host/labels/store/journal_rows.h"
#include "host/labels/store/liveness.h"
#include "host/labels/store/registry_rows.h"
#include "host/labels/store/undo_wait.h"

namespace svirt {
namespace {

// So many retired owners, and uses of theirs, are kept before file systems are synced for them.
// They are counted for one in so many of those that come.
constexpr int64_t kRetiredOwners = 256;
constexpr int64_t kRetiredUses = 10000;
constexpr int64_t kRetiredPerCount = 16;

// Numbers of an owner's uses: from first to before end.
struct Range {
  int64_t first = 0, end = 0;
};

// Directories of which all that is below stays.
Result<std::vector<int64_t>> DirectoriesThatStay(Database *db, int64_t owner,
                                                 const UndoScope &scope) {
  std::vector<int64_t> numbers = scope.except_below;
  if (!scope.even_whole) {
    SVIRT_ASSIGN(const std::vector<int64_t> whole, WholeDirectories(db, owner));
    numbers.insert(numbers.end(), whole.begin(), whole.end());
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// All numbers but those of what is below the directories, which are in ascending order; the last
// range first.
std::vector<Range> RangesOutside(const std::vector<int64_t> &directories) {
  std::vector<Range> ranges;
  int64_t first = 0;
  for (const int64_t directory : directories) {
    ranges.insert(ranges.begin(), {first, directory * kBelow});
    first = (directory + 1) * kBelow;
  }
  ranges.insert(ranges.begin(), {first, kLastNumber});
  return ranges;
}

// interrupted: what a process has left half done.
Result<std::vector<UseOfOwner>> UsesInScope(Database *db, int64_t owner, const UndoScope &scope,
                                            const std::vector<int64_t> &staying,
                                            const std::optional<Work> &interrupted) {
  std::vector<UseOfOwner> uses;
  if (scope.interrupted && !interrupted) {
    return uses;
  }
  const bool marked = scope.interrupted && interrupted->kind != WorkKind::kUndoAll;
  const std::vector<int64_t> none;
  const std::vector<int64_t> &named = scope.only ? *scope.only : none;
  const std::unordered_set<int64_t> only(named.begin(), named.end());
  std::unordered_set<int64_t> except(scope.except.begin(), scope.except.end());
  except.insert(staying.begin(), staying.end());
  // The last one labelled is the first to be undone.
  for (const Range &range : RangesOutside(staying)) {
    SVIRT_TRY(ForEachUse(db, owner, range.first, range.end, [&](UseOfOwner own) {
      const int64_t number = own.use.number;
      if ((!scope.only || only.contains(number)) && !except.contains(number) &&
          (!marked || own.use.work == interrupted->id)) {
        uses.push_back(std::move(own));
      }
    }));
  }
  return uses;
}

// Drops all uses that BeginUndo has handed out.
Status DropHandedOut(Database *db, int64_t owner, const Work &work) {
  return work.kind == WorkKind::kUndoAll ? DropUses(db, owner) : DropUsesOfWork(db, owner, work.id);
}

// What is done gets a retired owner of its own: its number.
Result<int64_t> RetirePart(Database *db, const OwnerRow &owner, const UndoOutcome &outcome,
                           int64_t boot) {
  SVIRT_ASSIGN(const int64_t to, EnterRetiredOwner(db, owner.owner, boot, outcome.done.size()));
  if (owner.work && owner.work->kind == WorkKind::kUndo && outcome.failed.empty()) {
    SVIRT_TRY(RetireUsesOfWork(db, owner.id, owner.work->id, to));
    return to;
  }
  for (const UndoItem *item : outcome.done) {
    SVIRT_TRY(RetireUse(db, owner.id, item->object, to));
  }
  return to;
}

// Is it worth while by now to sync file systems for what is retired? owner: the last one, which has
// so many uses.
Result<bool> AreManyRetired(Database *db, int64_t owner, size_t uses) {
  if (owner % kRetiredPerCount != 0 && uses < kRetiredUses / kRetiredPerCount) {
    return false;
  }
  SVIRT_ASSIGN(const RetiredCount count, CountRetired(db));
  return count.owners > kRetiredOwners || count.uses > kRetiredUses;
}

// Does a living owner use the object of a retired use, so that its label is none that came back?
Result<bool> IsUsedByLiving(Database *db, const Use &use, int64_t boot) {
  JournalItem item;
  item.id = use.object;
  item.path = use.path;
  SVIRT_ASSIGN(const auto uses, UsesOfObject(db, item, boot));
  for (const UseOfObject &other : uses) {
    SVIRT_ASSIGN(const OwnerRow owner, GetOwner(db, other.use.owner));
    SVIRT_ASSIGN(const bool live, IsLive(db, owner));
    if (live && other.use.model == use.model) {
      return true;
    }
  }
  return false;
}

// What those who have read labels meanwhile are told of (RestoredSince).
uint64_t BitsOf(const UndoOutcome &outcome) {
  uint64_t objects = 0;
  for (const auto *items : {&outcome.lasting, &outcome.done}) {
    for (const UndoItem *item : *items) {
      // What else was below a directory of the domain's own got a label, too.
      objects |= item->own_tree ? kAllObjects : ObjectBit(item->id);
    }
  }
  return objects;
}

}  // namespace

Result<std::optional<UndoList>> Journal::TryBeginUndo(const std::string &uuid,
                                                      const UndoScope &scope) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  const ProcessId &self = database_->self();
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return std::optional<UndoList>(UndoList());
  }
  UndoList list;
  list.owner = owner->owner;
  if (scope.stop) {
    SVIRT_ASSIGN(const Holders holders, HoldersSeenBy(db.get(), owner->id, self));
    if (!holders.processes.empty()) {
      const pid_t pid = holders.processes.front().pid;
      return Error{Errc::kConflict, "process " + std::to_string(pid) + " of domain " +
                                        owner->owner.name + " (" + uuid +
                                        ") still runs; stop it first"};
    }
    if (owner->handover == HandoverState::kOutgoing) {
      list.outgoing = true;
      return std::optional<UndoList>(std::move(list));
    }
  }
  SVIRT_ASSIGN(list.labels, LabelsOf(db.get(), owner->id));
  const std::optional<Work> &earlier = owner->work;
  // Work of this very process is a failed Apply, or an undo of its own that could not be finished.
  if (earlier && earlier->process != self && IsRunning(earlier->process)) {
    return std::optional<UndoList>();
  }
  SVIRT_ASSIGN(const auto staying, DirectoriesThatStay(db.get(), owner->id, scope));
  SVIRT_ASSIGN(auto uses, UsesInScope(db.get(), owner->id, scope, staying, earlier));
  SVIRT_ASSIGN(const int64_t boot, BootNumber(db.get(), self.boot_id));
  const bool all = !scope.only && scope.except.empty() && staying.empty() && !scope.interrupted;
  SVIRT_ASSIGN(const int64_t work,
               BeginWork(db.get(), owner->id, all ? WorkKind::kUndoAll : WorkKind::kUndo, self));
  for (auto &[use, shared] : uses) {
    if (shared && owner->retired != 0) {
      SVIRT_ASSIGN(shared, IsUsedByLiving(db.get(), use, boot));
    }
    // Marks tell what handover can only guess: whether somebody elsewhere still uses it.
    const bool kept = use.keep && !scope.even_kept && !use.marked;
    const bool unsupported = use.old.state == OldLabel::State::kUnsupported;
    if (shared || kept || unsupported || (use.away && !use.marked)) {
      SVIRT_TRY(DropUse(db.get(), owner->id, use.number));
      if (shared && use.marked) {
        // The mark is theirs to take off.
        SVIRT_TRY(MarkUses(db.get(), use.object, use.model));
      }
      continue;
    }
    if (!all || use.extent == Extent::kWhole) {
      SVIRT_TRY(HandOutUse(db.get(), owner->id, use.number, work));
    }
    list.items.push_back(
        {.object = use.number,
         .model = std::move(use.model),
         .path = std::move(use.path),
         .id = use.object,
         .old = std::move(use.old),
         .label = std::move(use.label),
         .earlier_label = std::move(use.earlier_label),
         .earlier_boot = use.boot != boot,
         .own_tree = use.exclusive && (use.extent == Extent::kTree || use.extent == Extent::kWhole),
         .is_entry = use.is_entry(),
         .marked = use.marked,
         .keeps_label = use.away});
  }
  if (list.items.empty()) {
    SVIRT_TRY(EndWork(db.get(), owner->id));
  }
  SVIRT_TRY(db.Commit());
  return std::optional<UndoList>(std::move(list));
}

Result<UndoList> Journal::BeginUndo(const std::string &uuid, const UndoScope &scope) {
  for (UndoWait wait;;) {
    SVIRT_ASSIGN(auto list, TryBeginUndo(uuid, scope));
    if (list) {
      return std::move(*list);
    }
    SVIRT_TRY(wait.Pause(uuid));
  }
}

Result<bool> Journal::FinishUndo(const std::string &uuid, const UndoOutcome &outcome,
                                 bool release) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return false;
  }
  bool many_retired = false;
  const bool is_complete = owner->work && outcome.failed.empty();
  if (!outcome.lasting.empty() || !outcome.done.empty()) {
    SVIRT_TRY(EnterRestored(db.get(), BitsOf(outcome)));
  }
  if (is_complete && outcome.done.empty()) {
    SVIRT_TRY(DropHandedOut(db.get(), owner->id, *owner->work));
  } else {
    for (const UndoItem *item : outcome.lasting) {
      SVIRT_TRY(DropUse(db.get(), owner->id, item->object));
    }
  }
  if (!outcome.done.empty()) {
    SVIRT_ASSIGN(const int64_t boot, BootNumber(db.get(), database_->self().boot_id));
    if (is_complete && release && owner->work->kind == WorkKind::kUndoAll) {
      SVIRT_TRY(RetireUses(db.get(), owner->id));
      SVIRT_TRY(RetireOwner(db.get(), owner->id, boot, outcome.done.size()));
      SVIRT_ASSIGN(many_retired, AreManyRetired(db.get(), owner->id, outcome.done.size()));
      SVIRT_TRY(db.Commit());
      return many_retired;
    }
    SVIRT_ASSIGN(const int64_t part, RetirePart(db.get(), *owner, outcome, boot));
    SVIRT_ASSIGN(many_retired, AreManyRetired(db.get(), part, outcome.done.size()));
  }
  SVIRT_ASSIGN(const bool left, HasUses(db.get(), owner->id));
  if (release && !left) {
    SVIRT_TRY(ForgetOwner(db.get(), owner->id));
  } else {
    SVIRT_TRY(EndWork(db.get(), owner->id));
  }
  if (release && left &&
      outcome.failed.empty()) {  // directories that stay labelled for the next start
    SVIRT_TRY(LetGoOfOwner(db.get(), owner->id));
  }
  SVIRT_TRY(db.Commit());
  return many_retired;
}

Result<std::vector<LostOwner>> Journal::Lost() {
  if (has_none_lost_) {
    return std::vector<LostOwner>();
  }
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const int64_t boot, KnownBoot(db.get(), database_->self().boot_id));
  SVIRT_ASSIGN(const auto owners, RetiredBefore(db.get(), boot));
  std::vector<LostOwner> lost;
  for (const OwnerRow &owner : owners) {
    SVIRT_ASSIGN(auto models, ModelsOfUses(db.get(), owner.id));
    lost.push_back({owner.owner.uuid, owner.owner.virt_type, std::move(models)});
  }
  has_none_lost_ = lost.empty();
  return lost;
}

Result<std::vector<RetiredOwner>> Journal::Retired() {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const int64_t boot, KnownBoot(db.get(), database_->self().boot_id));
  std::vector<RetiredOwner> owners;
  SVIRT_ASSIGN(const auto rows, RetiredIn(db.get(), boot));
  for (const OwnerRow &row : rows) {
    SVIRT_ASSIGN(auto devices, DevicesOfUses(db.get(), row.id, boot));
    owners.push_back({row.id, std::move(devices)});
  }
  return owners;
}

Status Journal::ForgetRetired(const std::vector<RetiredOwner> &owners) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  for (const RetiredOwner &retired : owners) {
    SVIRT_TRY(DropRetiredUses(db.get(), retired.id));
    SVIRT_TRY(ForgetRetiredOwner(db.get(), retired.id));
  }
  return db.Commit();
}

}  // namespace svirt
