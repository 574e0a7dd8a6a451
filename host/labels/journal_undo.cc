// SPDX-License-Identifier: LGPL-2.1-or-later
// The way back of LabelStore's journal: who gives which objects their old labels.
#include <unistd.h>

#include <unordered_set>
#include <utility>

#include "host/labels/journal_rows.h"
#include "host/labels/label_store.h"
#include "host/labels/owners.h"
#include "host/labels/store_connection.h"

namespace svirt {
namespace {

using Durability = Transaction::Durability;

struct UsedObject {
  ObjectRow object;
  bool keep = false, shared = false;
};

// interrupted: what a process has left half done.
Result<std::vector<UsedObject>> ObjectsOf(Database *db, int64_t owner,
                                          const LabelStore::UndoScope &scope,
                                          const std::optional<Work> &interrupted) {
  std::vector<UsedObject> objects;
  if (scope.interrupted && !interrupted) {
    return objects;
  }
  const bool marked = scope.interrupted && interrupted->kind != WorkKind::kUndoAll;
  const std::vector<int64_t> none;
  const std::vector<int64_t> &named = scope.only ? *scope.only : none;
  const std::unordered_set<int64_t> only(named.begin(), named.end());
  const std::unordered_set<int64_t> except(scope.except.begin(), scope.except.end());
  // The last one labelled is the first to be undone.
  SVIRT_ASSIGN(Query query,
               db->Ask("SELECT " SVIRT_OBJECT_COLUMNS
                       ", keep, EXISTS (SELECT 1 FROM use AS other WHERE other.object=object.id "
                       "AND other.owner<>?1), use.work FROM use JOIN object ON "
                       "object.id=use.object WHERE owner=?1 ORDER BY object.id DESC",
                       owner));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return objects;
    }
    if ((!scope.only || only.contains(query.Int(0))) && !except.contains(query.Int(0)) &&
        (!marked || query.Int(13) == interrupted->id)) {
      objects.push_back({ReadObject(query), query.Int(11) != 0, query.Int(12) != 0});
    }
  }
}

Status DropUse(Database *db, int64_t object, int64_t owner) {
  SVIRT_TRY(db->Run("DELETE FROM use WHERE object=?1 AND owner=?2", object, owner));
  return db->Run(
      "DELETE FROM object WHERE id=?1 AND NOT EXISTS (SELECT 1 FROM use WHERE object=?1)", object);
}

// nullopt: another process is at work on the owner's objects.
Result<std::optional<std::vector<UndoItem>>> TryBegin(Database *db, const std::string &uuid,
                                                      const LabelStore::UndoScope &scope) {
  using Outcome = std::optional<std::vector<UndoItem>>;
  SVIRT_ASSIGN(Transaction transaction, Transaction::Begin(db, Durability::kOrdered));
  SVIRT_ASSIGN(const auto owner, FindOwner(db, uuid));
  std::vector<UndoItem> items;
  if (!owner) {
    return Outcome(std::move(items));
  }
  SVIRT_ASSIGN(const ProcessId self, IdentifyProcess(::getpid()));
  SVIRT_ASSIGN(const auto earlier, FindWork(db, owner->id));
  // Work of this very process is a failed Apply, or an undo of its own that could not be finished.
  if (earlier && earlier->process != self && IsRunning(earlier->process)) {
    return Outcome();
  }
  SVIRT_ASSIGN(const auto objects, ObjectsOf(db, owner->id, scope, earlier));
  SVIRT_ASSIGN(const int64_t boot, BootNumber(db, self.boot_id));
  const bool all = !scope.only && scope.except.empty() && !scope.interrupted;
  SVIRT_ASSIGN(const int64_t work,
               BeginWork(db, owner->id, all ? WorkKind::kUndoAll : WorkKind::kUndo, self));
  for (const UsedObject &used : objects) {
    const ObjectRow &object = used.object;
    const bool kept = used.keep && !scope.even_kept;
    if (used.shared || kept || object.old.state == OldLabel::State::kUnsupported) {
      SVIRT_TRY(DropUse(db, object.id, owner->id));
      continue;
    }
    if (!all) {
      SVIRT_TRY(db->Run("UPDATE use SET work=?3 WHERE object=?1 AND owner=?2", object.id, owner->id,
                        work));
    }
    items.push_back({.object = object.id,
                     .model = object.model,
                     .path = object.path,
                     .id = object.object,
                     .old = object.old,
                     .label = object.label,
                     .earlier_label = object.earlier_label,
                     .earlier_boot = object.boot != boot});
  }
  if (items.empty()) {
    SVIRT_TRY(EndWork(db, owner->id));
  }
  SVIRT_TRY(transaction.Commit());
  return Outcome(std::move(items));
}

// Drops all uses that BeginUndo has handed out and forgets their objects.
Status DropHandedOut(Database *db, int64_t owner, const Work &work) {
  const bool all = work.kind == WorkKind::kUndoAll;
  SVIRT_TRY(
      db->Run("DELETE FROM object WHERE id IN (SELECT object FROM use WHERE owner=?1 AND (?3 OR "
              "work=?2)) AND NOT EXISTS (SELECT 1 FROM use WHERE use.object=object.id AND "
              "owner<>?1)",
              owner, work.id, all));
  return db->Run("DELETE FROM use WHERE owner=?1 AND (?3 OR work=?2)", owner, work.id, all);
}

}  // namespace

Result<std::vector<UndoItem>> LabelStore::BeginUndo(const std::string &uuid,
                                                    const UndoScope &scope) {
  SVIRT_ASSIGN(const Connection db, Connect());
  for (BusyWait wait;;) {
    SVIRT_ASSIGN(auto items, TryBegin(db.get(), uuid, scope));
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
      SVIRT_TRY(DropUse(db.get(), object, owner->id));
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
