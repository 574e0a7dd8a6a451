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

Result<std::vector<ObjectRow>> ObjectsOf(Database *db, int64_t owner,
                                         const LabelStore::UndoScope &scope) {
  std::vector<ObjectRow> objects;
  const std::vector<int64_t> none;
  const std::vector<int64_t> &named = scope.only ? *scope.only : none;
  const std::unordered_set<int64_t> only(named.begin(), named.end());
  const std::unordered_set<int64_t> except(scope.except.begin(), scope.except.end());
  // The last one labelled is the first to be undone.
  SVIRT_ASSIGN(Query query, db->Ask("SELECT " SVIRT_OBJECT_COLUMNS
                                    " FROM use JOIN object ON object.id=use.object WHERE owner=?1 "
                                    "ORDER BY object.id DESC",
                                    owner));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return objects;
    }
    if ((!scope.only || only.contains(query.Int(0))) && !except.contains(query.Int(0))) {
      objects.push_back(ReadObject(query));
    }
  }
}

Status DropUse(Database *db, int64_t object, int64_t owner) {
  SVIRT_TRY(db->Run("DELETE FROM use WHERE object=?1 AND owner=?2", object, owner));
  return db->Run(
      "DELETE FROM object WHERE id=?1 AND NOT EXISTS (SELECT 1 FROM use WHERE object=?1)", object);
}

// nullopt: an object is busy.
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
  SVIRT_ASSIGN(const auto objects, ObjectsOf(db, owner->id, scope));
  for (const ObjectRow &object : objects) {
    // A mark of this very process is of an undo of its own that could not be finished.
    if (object.busy && *object.busy != self && IsRunning(*object.busy)) {
      return Outcome();
    }
    SVIRT_ASSIGN(const auto uses, FindUses(db, object.id));
    const bool shared = uses.size() > 1;
    const bool kept = uses.front().keep && !scope.even_kept;
    if (shared || kept || object.old.state == OldLabel::State::kUnsupported) {
      SVIRT_TRY(DropUse(db, object.id, owner->id));
      continue;
    }
    SVIRT_TRY(
        db->Run("UPDATE object SET busy_boot_id=?2, busy_pid=?3, busy_start_time=?4 WHERE "
                "id=?1",
                object.id, self.boot_id, self.pid, self.start_time));
    items.push_back({.object = object.id,
                     .model = object.model,
                     .path = object.path,
                     .id = object.object,
                     .old = object.old,
                     .label = object.label,
                     .earlier_label = object.earlier_label,
                     .earlier_boot = object.boot_id != self.boot_id});
  }
  SVIRT_TRY(transaction.Commit());
  return Outcome(std::move(items));
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
  for (const int64_t object : done) {
    SVIRT_TRY(DropUse(db.get(), object, owner->id));
  }
  for (const int64_t object : failed) {
    SVIRT_TRY(db->Run("UPDATE object SET busy_boot_id=NULL WHERE id=?1", object));
  }
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
