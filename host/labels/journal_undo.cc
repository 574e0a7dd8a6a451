// SPDX-License-Identifier: LGPL-2.1-or-later
// The way back of LabelStore's journal: who gives which objects their old labels.
#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "host/labels/journal_rows.h"
#include "host/labels/label_store.h"
#include "host/labels/owners.h"
#include "host/labels/store_connection.h"

namespace svirt {
namespace {

struct OwnUse {
  Use use;
  bool shared = false;  // another owner uses the object, too
};

// Numbers of an owner's uses: from first to before end.
struct Range {
  int64_t first = 0, end = 0;
};

// Directories of which all that is below stays.
Result<std::vector<int64_t>> DirectoriesThatStay(Database *db, int64_t owner,
                                                 const LabelStore::UndoScope &scope) {
  std::vector<int64_t> numbers = scope.except_below;
  if (!scope.even_whole) {
    SVIRT_ASSIGN(Query query, db->Ask("SELECT number FROM use WHERE owner=?1 AND number<?2 AND "
                                      "extent=2 AND NOT away",
                                      owner, kBelow));
    for (;;) {
      SVIRT_ASSIGN(const bool row, query.Step());
      if (!row) {
        break;
      }
      numbers.push_back(query.Int(0));
    }
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
  ranges.insert(ranges.begin(), {first, std::numeric_limits<int64_t>::max()});
  return ranges;
}

// interrupted: what a process has left half done.
Result<std::vector<OwnUse>> UsesOf(Database *db, int64_t owner, const LabelStore::UndoScope &scope,
                                   const std::vector<int64_t> &staying,
                                   const std::optional<Work> &interrupted) {
  std::vector<OwnUse> uses;
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
    SVIRT_ASSIGN(Query query, db->Ask("SELECT " SVIRT_USE_COLUMNS ", work, " SVIRT_IS_SHARED
                                      " FROM use WHERE owner=?1 AND number>=?2 AND number<?3 "
                                      "ORDER BY number DESC",
                                      owner, range.first, range.end));
    for (;;) {
      SVIRT_ASSIGN(const bool row, query.Step());
      if (!row) {
        break;
      }
      OwnUse own{ReadUse(query), query.Int(kUseColumns + 1) != 0};
      const int64_t number = own.use.number;
      if ((!scope.only || only.contains(number)) && !except.contains(number) &&
          (!marked || query.Int(kUseColumns) == interrupted->id)) {
        uses.push_back(std::move(own));
      }
    }
  }
  return uses;
}

// Drops all uses that BeginUndo has handed out.
Status DropHandedOut(Database *db, int64_t owner, const Work &work) {
  if (work.kind == WorkKind::kUndoAll) {
    return db->Run("DELETE FROM use WHERE owner=?1", owner);
  }
  return db->Run("DELETE FROM use WHERE owner=?1 AND work=?2", owner, work.id);
}

// Tells those who have read the labels of these objects meanwhile (RestoredSince).
Status EnterRestored(Database *db, const std::vector<const UndoItem *> &items) {
  uint64_t objects = 0;
  for (const UndoItem *item : items) {
    // What else was below a directory of the domain's own got a label, too.
    objects |= item->own_tree ? kAllObjects : ObjectBit(item->id);
  }
  SVIRT_TRY(
      db->Run("INSERT INTO restored VALUES((SELECT coalesce(max(time), 0) + 1 FROM "
              "restored), ?1)",
              static_cast<int64_t>(objects)));
  return db->Run("DELETE FROM restored WHERE time<=?1", db->LastInsertId() - kRestoredKept);
}

// The mark on an object of which others here have a use is theirs to take off.
Status LeaveMark(Database *db, const Use &use) {
  return db->Run("UPDATE use SET marked=1 WHERE ino=?1 AND btime=?2 AND model=?3", use.object.ino,
                 use.object.btime, use.model);
}

}  // namespace

Result<std::optional<UndoList>> LabelStore::TryBeginUndo(const std::string &uuid,
                                                         const UndoScope &scope) {
  SVIRT_ASSIGN(Writing db, Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return std::optional<UndoList>(UndoList());
  }
  UndoList list;
  list.owner = owner->owner;
  if (scope.stop) {
    SVIRT_ASSIGN(const Holders holders, HoldersSeenBy(db.get(), owner->id, self_));
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
  if (earlier && earlier->process != self_ && IsRunning(earlier->process)) {
    return std::optional<UndoList>();
  }
  SVIRT_ASSIGN(const auto staying, DirectoriesThatStay(db.get(), owner->id, scope));
  SVIRT_ASSIGN(auto uses, UsesOf(db.get(), owner->id, scope, staying, earlier));
  SVIRT_ASSIGN(const int64_t boot, BootNumber(db.get(), self_.boot_id));
  const bool all = !scope.only && scope.except.empty() && staying.empty() && !scope.interrupted;
  SVIRT_ASSIGN(const int64_t work,
               BeginWork(db.get(), owner->id, all ? WorkKind::kUndoAll : WorkKind::kUndo, self_));
  for (auto &[use, shared] : uses) {
    // Marks tell what handover can only guess: whether somebody elsewhere still uses it.
    const bool kept = use.keep && !scope.even_kept && !use.marked;
    const bool unsupported = use.old.state == OldLabel::State::kUnsupported;
    if (shared || kept || unsupported || (use.away && !use.marked)) {
      SVIRT_TRY(DropUse(db.get(), owner->id, use.number));
      if (shared && use.marked) {
        SVIRT_TRY(LeaveMark(db.get(), use));
      }
      continue;
    }
    if (!all || use.extent == Extent::kWhole) {
      SVIRT_TRY(db->Run(
          "UPDATE use SET work=?3, extent=iif(extent=2, 1, extent) WHERE owner=?1 AND number=?2",
          owner->id, use.number, work));
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

Result<UndoList> LabelStore::BeginUndo(const std::string &uuid, const UndoScope &scope) {
  for (BusyWait wait;;) {
    SVIRT_ASSIGN(auto list, TryBeginUndo(uuid, scope));
    if (list) {
      return std::move(*list);
    }
    SVIRT_TRY(wait.Pause(uuid));
  }
}

Status LabelStore::FinishUndo(const std::string &uuid, const std::vector<const UndoItem *> &done,
                              const std::vector<const UndoItem *> &failed, bool release) {
  SVIRT_ASSIGN(Writing db, Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return {};
  }
  if (owner->work && failed.empty()) {
    SVIRT_TRY(DropHandedOut(db.get(), owner->id, *owner->work));
  } else {
    for (const UndoItem *item : done) {
      SVIRT_TRY(DropUse(db.get(), owner->id, item->object));
    }
  }
  if (!done.empty()) {
    SVIRT_TRY(EnterRestored(db.get(), done));
  }
  SVIRT_ASSIGN(const auto left, db->AskInt("SELECT 1 FROM use WHERE owner=?1 LIMIT 1", owner->id));
  if (release && !left) {
    SVIRT_TRY(ForgetOwner(db.get(), owner->id));
  } else {
    SVIRT_TRY(EndWork(db.get(), owner->id));
  }
  if (release && left && failed.empty()) {  // directories that stay labelled for the next start
    SVIRT_TRY(db->Run("UPDATE owner SET pinned=0 WHERE id=?1", owner->id));
    SVIRT_TRY(db->Run("DELETE FROM holder WHERE owner=?1", owner->id));
  }
  return db.Commit();
}

}  // namespace svirt
