// SPDX-License-Identifier: LGPL-2.1-or-later
// The way back of LabelStore's journal: who gives which objects their old labels.
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

using Durability = Transaction::Durability;

struct OwnUse {
  Use use;
  bool shared = false;  // another owner uses the object, too
};

// interrupted: what a process has left half done.
Result<std::vector<OwnUse>> UsesOf(Database *db, int64_t owner, const LabelStore::UndoScope &scope,
                                   const std::optional<Work> &interrupted) {
  std::vector<OwnUse> uses;
  if (scope.interrupted && !interrupted) {
    return uses;
  }
  const bool marked = scope.interrupted && interrupted->kind != WorkKind::kUndoAll;
  const std::vector<int64_t> none;
  const std::vector<int64_t> &named = scope.only ? *scope.only : none;
  const std::unordered_set<int64_t> only(named.begin(), named.end());
  const std::unordered_set<int64_t> except(scope.except.begin(), scope.except.end());
  // The last one labelled is the first to be undone.
  SVIRT_ASSIGN(Query query, db->Ask("SELECT " SVIRT_USE_COLUMNS ", work, " SVIRT_IS_SHARED
                                    " FROM use WHERE owner=?1 ORDER BY number DESC",
                                    owner));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return uses;
    }
    OwnUse own{ReadUse(query), query.Int(kUseColumns + 1) != 0};
    const int64_t number = own.use.number;
    if ((!scope.only || only.contains(number)) && !except.contains(number) &&
        (!marked || query.Int(kUseColumns) == interrupted->id)) {
      uses.push_back(std::move(own));
    }
  }
}

// nullopt: another process is at work on the owner's objects.
Result<std::optional<std::vector<UndoItem>>> TryBegin(Database *db, const std::string &uuid,
                                                      const LabelStore::UndoScope &scope,
                                                      const ProcessId &self) {
  using Outcome = std::optional<std::vector<UndoItem>>;
  SVIRT_ASSIGN(Transaction transaction, Transaction::Begin(db, Durability::kOrdered));
  SVIRT_ASSIGN(const auto owner, FindOwner(db, uuid));
  std::vector<UndoItem> items;
  if (!owner) {
    return Outcome(std::move(items));
  }
  SVIRT_ASSIGN(const auto earlier, FindWork(db, owner->id));
  // Work of this very process is a failed Apply, or an undo of its own that could not be finished.
  if (earlier && earlier->process != self && IsRunning(earlier->process)) {
    return Outcome();
  }
  SVIRT_ASSIGN(auto uses, UsesOf(db, owner->id, scope, earlier));
  SVIRT_ASSIGN(const int64_t boot, BootNumber(db, self.boot_id));
  const bool all = !scope.only && scope.except.empty() && !scope.interrupted;
  SVIRT_ASSIGN(const int64_t work,
               BeginWork(db, owner->id, all ? WorkKind::kUndoAll : WorkKind::kUndo, self));
  for (auto &[use, shared] : uses) {
    const bool kept = use.keep && !scope.even_kept;
    if (shared || kept || use.away || use.old.state == OldLabel::State::kUnsupported) {
      SVIRT_TRY(DropUse(db, owner->id, use.number));
      continue;
    }
    if (!all) {
      SVIRT_TRY(db->Run("UPDATE use SET work=?3 WHERE owner=?1 AND number=?2", owner->id,
                        use.number, work));
    }
    items.push_back({.object = use.number,
                     .model = std::move(use.model),
                     .path = std::move(use.path),
                     .id = use.object,
                     .old = std::move(use.old),
                     .label = std::move(use.label),
                     .earlier_label = std::move(use.earlier_label),
                     .earlier_boot = use.boot != boot});
  }
  if (items.empty()) {
    SVIRT_TRY(EndWork(db, owner->id));
  }
  SVIRT_TRY(transaction.Commit());
  return Outcome(std::move(items));
}

// Drops all uses that BeginUndo has handed out.
Status DropHandedOut(Database *db, int64_t owner, const Work &work) {
  if (work.kind == WorkKind::kUndoAll) {
    return db->Run("DELETE FROM use WHERE owner=?1", owner);
  }
  return db->Run("DELETE FROM use WHERE owner=?1 AND work=?2", owner, work.id);
}

}  // namespace

Result<std::vector<UndoItem>> LabelStore::BeginUndo(const std::string &uuid,
                                                    const UndoScope &scope) {
  SVIRT_ASSIGN(const Connection db, Connect());
  for (BusyWait wait;;) {
    SVIRT_ASSIGN(auto items, TryBegin(db.get(), uuid, scope, self_));
    if (items) {
      return std::move(*items);
    }
    SVIRT_TRY(wait.Pause(uuid));
  }
}

Status LabelStore::FinishUndo(const std::string &uuid, const std::vector<int64_t> &done,
                              const std::vector<int64_t> &failed, bool release) {
  SVIRT_ASSIGN(const Connection db, Connect());
  SVIRT_ASSIGN(Transaction transaction, Transaction::Begin(db.get(), Durability::kOrdered));
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return {};
  }
  SVIRT_ASSIGN(const auto work, FindWork(db.get(), owner->id));
  if (work && failed.empty()) {
    SVIRT_TRY(DropHandedOut(db.get(), owner->id, *work));
  } else {
    for (const int64_t object : done) {
      SVIRT_TRY(DropUse(db.get(), owner->id, object));
    }
  }
  SVIRT_TRY(EndWork(db.get(), owner->id));
  if (!done.empty()) {
    SVIRT_TRY(db->Run("UPDATE meta SET restored=restored+1"));
  }
  SVIRT_ASSIGN(const auto left, db->AskInt("SELECT 1 FROM use WHERE owner=?1 LIMIT 1", owner->id));
  if (release && !left) {
    SVIRT_TRY(ForgetOwner(db.get(), owner->id));
  }
  return transaction.Commit();
}

}  // namespace svirt
