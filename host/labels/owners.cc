// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and changes the owners, holders and works in the label database.
#include "host/labels/owners.h"

#include <utility>

#include "host/labels/index_space.h"

namespace svirt {
namespace {

#define SVIRT_OWNER_COLUMNS                                                               \
  "id, uuid, name, virt_type, pinned, handover, foreign_space IS NOT NULL, work_kind IS " \
  "NOT NULL, work_kind, work_id, work_boot, work_pid, work_start"

OwnerRow ReadOwner(const Query &query) {
  const auto handover = static_cast<HandoverState>(query.Int(5));
  const bool under_way =
      handover == HandoverState::kOutgoing || handover == HandoverState::kIncoming;
  OwnerRow row{.id = query.Int(0),
               .owner = {.uuid = query.Text(1), .name = query.Text(2), .virt_type = query.Text(3)},
               .pinned = query.Int(4) != 0 || under_way,
               .handover = handover,
               .in_hypervisor = query.Int(4) == static_cast<int>(PinnedFor::kHypervisor),
               .foreign = query.Int(6) != 0,
               .work = std::nullopt};
  if (query.Int(7) != 0) {
    row.work = Work{static_cast<WorkKind>(query.Int(8)),
                    query.Int(9),
                    {query.Text(10), static_cast<pid_t>(query.Int(11)), query.Unsigned(12)}};
  }
  return row;
}

// The row that the query, which asks for SVIRT_OWNER_COLUMNS, finds.
Result<std::optional<OwnerRow>> NextOwner(Query query) {
  SVIRT_ASSIGN(const bool row, query.Step());
  return row ? std::optional<OwnerRow>(ReadOwner(query)) : std::nullopt;
}

}  // namespace

std::string OwnerRow::Name() const {
  if (foreign) {
    return owner.name + ", which no domain here owns";
  }
  return "domain " + owner.name + " (" + owner.uuid + ")";
}

Result<std::optional<OwnerRow>> FindOwner(Database *database, const std::string &uuid) {
  SVIRT_ASSIGN(Query query,
               database->Ask("SELECT " SVIRT_OWNER_COLUMNS " FROM owner WHERE uuid=?1", uuid));
  return NextOwner(std::move(query));
}

Result<OwnerRow> GetOwner(Database *database, int64_t id) {
  SVIRT_ASSIGN(Query query,
               database->Ask("SELECT " SVIRT_OWNER_COLUMNS " FROM owner WHERE id=?1", id));
  SVIRT_ASSIGN(auto owner, NextOwner(std::move(query)));
  if (!owner) {
    return Error{Errc::kInternal, "the label database names an owner it does not have"};
  }
  return std::move(*owner);
}

Result<int64_t> EnterOwner(Database *database, const LabelOwner &owner, const ProcessId &self) {
  SVIRT_ASSIGN(const auto known, FindOwner(database, owner.uuid));
  if (!known) {
    SVIRT_TRY(database->Run("INSERT INTO owner(uuid, name, virt_type) VALUES(?1, ?2, ?3)",
                            owner.uuid, owner.name, owner.virt_type));
  } else if (known->owner.name != owner.name || known->owner.virt_type != owner.virt_type) {
    SVIRT_TRY(database->Run("UPDATE owner SET name=?2, virt_type=?3 WHERE id=?1", known->id,
                            owner.name, owner.virt_type));
  }
  const int64_t id = known ? known->id : database->LastInsertId();
  SVIRT_TRY(AddHolderRow(database, id, self, true));
  return id;
}

Status AddHolderRow(Database *database, int64_t owner, const ProcessId &process, bool provisional) {
  return database->Run(
      "INSERT INTO holder VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
      "provisional=0 WHERE provisional AND NOT excluded.provisional",
      owner, process.boot_id, process.pid, process.start_time, provisional);
}

Result<std::vector<Holder>> RunningHolders(Database *database, int64_t owner) {
  std::vector<Holder> running;
  SVIRT_ASSIGN(
      Query query,
      database->Ask("SELECT boot_id, pid, start_time, provisional FROM holder WHERE owner=?1",
                    owner));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return running;
    }
    Holder holder{{query.Text(0), static_cast<pid_t>(query.Int(1)), query.Unsigned(2)},
                  query.Int(3) != 0};
    if (IsRunning(holder.process)) {
      running.push_back(std::move(holder));
    }
  }
}

Result<Holders> HoldersSeenBy(Database *database, int64_t owner, const ProcessId &self) {
  SVIRT_ASSIGN(std::vector<Holder> running, RunningHolders(database, owner));
  Holders holders;
  for (Holder &holder : running) {
    if (holder.provisional && holder.process == self) {
      holders.own_hold = true;
    } else {
      holders.processes.push_back(std::move(holder.process));
    }
  }
  return holders;
}

Status DropOwnHoldRow(Database *database, int64_t owner, const ProcessId &self) {
  return database->Run(
      "DELETE FROM holder WHERE owner=?1 AND provisional AND boot_id=?2 AND pid=?3 AND "
      "start_time=?4",
      owner, self.boot_id, self.pid, self.start_time);
}

Result<std::vector<HeldLabel>> LabelsOf(Database *database, int64_t owner) {
  std::vector<HeldLabel> labels;
  SVIRT_ASSIGN(Query query, database->Ask("SELECT model, doi, type, number, number IS NULL, label, "
                                          "image_label FROM label WHERE owner=?1 ORDER BY model",
                                          owner));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return labels;
    }
    labels.push_back(
        {.model = query.Text(0),
         .doi = query.Text(1),
         .type = static_cast<SecLabel::Type>(query.Int(2)),
         .index = query.Int(4) != 0 ? std::nullopt : std::optional<uint64_t>(query.Unsigned(3)),
         .label = query.Text(5),
         .image_label = query.Text(6)});
  }
}

Result<bool> IsLive(Database *database, const OwnerRow &owner) {
  if (owner.pinned || owner.foreign) {
    return true;
  }
  SVIRT_ASSIGN(const auto running, RunningHolders(database, owner.id));
  return !running.empty();
}

Result<int64_t> BeginWork(Database *database, int64_t owner, WorkKind kind,
                          const ProcessId &process) {
  // Not the id of any work before, whose marks are still in the table of uses.
  SVIRT_TRY(database->Run(
      "UPDATE owner SET work_kind=?2, work_id=random(), work_boot=?3, work_pid=?4, "
      "work_start=?5 WHERE id=?1",
      owner, static_cast<int>(kind), process.boot_id, process.pid, process.start_time));
  SVIRT_ASSIGN(const auto id, database->AskInt("SELECT work_id FROM owner WHERE id=?1", owner));
  if (!id) {
    return Error{Errc::kInternal, "the label database does not keep what is being done"};
  }
  return *id;
}

Status EndWork(Database *database, int64_t owner) {
  return database->Run(
      "UPDATE owner SET work_kind=NULL, work_id=NULL, work_boot=NULL, work_pid=NULL, "
      "work_start=NULL WHERE id=?1 AND work_kind IS NOT NULL",
      owner);
}

Status ForgetOwner(Database *database, int64_t owner) {
  SVIRT_TRY(IndexSpace::Release(database, owner));
  SVIRT_TRY(database->Run("DELETE FROM label WHERE owner=?1", owner));
  SVIRT_TRY(database->Run("DELETE FROM holder WHERE owner=?1", owner));
  return database->Run("DELETE FROM owner WHERE id=?1", owner);
}

Result<bool> IsForgettable(Database *database, const OwnerRow &owner) {
  SVIRT_ASSIGN(const bool live, IsLive(database, owner));
  if (live) {
    return false;
  }
  SVIRT_ASSIGN(const auto object,
               database->AskInt("SELECT 1 FROM use WHERE owner=?1 LIMIT 1", owner.id));
  return !object.has_value();
}

Result<bool> ForgetIfDead(Database *database, const OwnerRow &owner) {
  SVIRT_ASSIGN(const bool forgettable, IsForgettable(database, owner));
  if (forgettable) {
    SVIRT_TRY(ForgetOwner(database, owner.id));
  }
  return forgettable;
}

}  // namespace svirt
