// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/labels/owners.h"

#include <utility>

#include "host/labels/index_space.h"

namespace svirt {
namespace {

// Columns id, uuid, name, virt_type, pinned, foreign_space IS NOT NULL, handover.
OwnerRow ReadOwner(const Query &query) {
  const auto handover = static_cast<HandoverState>(query.Int(6));
  const bool under_way =
      handover == HandoverState::kOutgoing || handover == HandoverState::kIncoming;
  return OwnerRow{
      .id = query.Int(0),
      .owner = {.uuid = query.Text(1), .name = query.Text(2), .virt_type = query.Text(3)},
      .pinned = query.Int(4) != 0 || under_way,
      .handover = handover,
      .in_hypervisor = query.Int(4) == static_cast<int>(PinnedFor::kHypervisor),
      .foreign = query.Int(5) != 0};
}

}  // namespace

std::string OwnerRow::Name() const {
  if (foreign) {
    return owner.name + ", which no domain here owns";
  }
  return "domain " + owner.name + " (" + owner.uuid + ")";
}

Result<std::optional<OwnerRow>> FindOwner(Database *database, const std::string &uuid) {
  SVIRT_ASSIGN(
      Query query,
      database->Ask("SELECT id, uuid, name, virt_type, pinned, foreign_space IS NOT NULL, handover "
                    "FROM owner WHERE uuid=?1",
                    uuid));
  SVIRT_ASSIGN(const bool row, query.Step());
  return row ? std::optional<OwnerRow>(ReadOwner(query)) : std::nullopt;
}

Result<OwnerRow> GetOwner(Database *database, int64_t id) {
  SVIRT_ASSIGN(
      Query query,
      database->Ask("SELECT id, uuid, name, virt_type, pinned, foreign_space IS NOT NULL, handover "
                    "FROM owner WHERE id=?1",
                    id));
  SVIRT_ASSIGN(const bool row, query.Step());
  if (!row) {
    return Error{Errc::kInternal, "the label database names an owner it does not have"};
  }
  return ReadOwner(query);
}

Result<int64_t> EnterOwner(Database *database, const LabelOwner &owner, const ProcessId &self) {
  SVIRT_TRY(
      database->Run("INSERT INTO owner(uuid, name, virt_type) VALUES(?1, ?2, ?3) ON "
                    "CONFLICT(uuid) DO UPDATE SET name=?2, virt_type=?3 WHERE name<>?2 OR "
                    "virt_type<>?3",
                    owner.uuid, owner.name, owner.virt_type));
  SVIRT_ASSIGN(const auto id, database->AskInt("SELECT id FROM owner WHERE uuid=?1", owner.uuid));
  if (!id) {
    return Error{Errc::kInternal, "the label database does not keep its owners"};
  }
  SVIRT_TRY(AddHolderRow(database, *id, self, true));
  return *id;
}

Status AddHolderRow(Database *database, int64_t owner, const ProcessId &process, bool provisional) {
  return database->Run(
      "INSERT INTO holder VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
      "provisional=0 WHERE provisional AND NOT excluded.provisional",
      owner, process.boot_id, process.pid, process.start_time, provisional);
}

Result<std::vector<ProcessId>> RunningHolders(Database *database, int64_t owner) {
  std::vector<ProcessId> running;
  SVIRT_ASSIGN(Query query,
               database->Ask("SELECT boot_id, pid, start_time FROM holder WHERE owner=?1", owner));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return running;
    }
    ProcessId process{query.Text(0), static_cast<pid_t>(query.Int(1)), query.Unsigned(2)};
    if (IsRunning(process)) {
      running.push_back(std::move(process));
    }
  }
}

Result<bool> IsLive(Database *database, const OwnerRow &owner) {
  if (owner.pinned || owner.foreign) {
    return true;
  }
  SVIRT_ASSIGN(const auto running, RunningHolders(database, owner.id));
  return !running.empty();
}

Status ForgetOwner(Database *database, int64_t owner) {
  SVIRT_TRY(IndexSpace::Release(database, owner));
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
