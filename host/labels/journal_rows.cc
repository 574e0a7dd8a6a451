// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/labels/journal_rows.h"

#include <thread>

namespace svirt {
namespace {

constexpr std::chrono::seconds kBusyLimit{10};
constexpr std::chrono::milliseconds kBusyPause{2};

}  // namespace

ObjectRow ReadObject(const Query &query) {
  return ObjectRow{.id = query.Int(0),
                   .model = query.Text(1),
                   .path = query.Text(2),
                   .object = {query.Unsigned(3), query.Unsigned(4), query.Int(5)},
                   .boot = query.Int(6),
                   .old = {static_cast<OldLabel::State>(query.Int(7)), query.Text(8)},
                   .label = query.Text(9),
                   .earlier_label = query.OptionalText(10)};
}

Result<int64_t> BootNumber(Database *database, const std::string &boot_id) {
  SVIRT_ASSIGN(const auto known, database->AskInt("SELECT id FROM boot WHERE boot_id=?1", boot_id));
  if (known) {
    return *known;
  }
  SVIRT_TRY(database->Run("INSERT INTO boot(boot_id) VALUES(?1)", boot_id));
  return database->LastInsertId();
}

Result<std::vector<Use>> FindUses(Database *database, int64_t object) {
  std::vector<Use> uses;
  SVIRT_ASSIGN(Query query,
               database->Ask("SELECT use.owner, exclusive, keep, boot_id, pid, start_time FROM use "
                             "LEFT JOIN work ON work.owner=use.owner AND (kind=2 OR (kind=1 AND "
                             "work.id=use.work)) WHERE object=?1",
                             object));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return uses;
    }
    Use use{query.Int(0), query.Int(1) != 0, query.Int(2) != 0};
    if (auto boot_id = query.OptionalText(3)) {
      use.busy = IsRunning({*boot_id, static_cast<pid_t>(query.Int(4)), query.Unsigned(5)});
    }
    uses.push_back(use);
  }
}

Result<std::optional<Work>> FindWork(Database *database, int64_t owner) {
  SVIRT_ASSIGN(
      Query query,
      database->Ask("SELECT id, kind, boot_id, pid, start_time FROM work WHERE owner=?1", owner));
  SVIRT_ASSIGN(const bool row, query.Step());
  if (!row) {
    return std::optional<Work>();
  }
  return std::optional<Work>(
      Work{query.Int(0),
           static_cast<WorkKind>(query.Int(1)),
           {query.Text(2), static_cast<pid_t>(query.Int(3)), query.Unsigned(4)}});
}

Result<int64_t> BeginWork(Database *database, int64_t owner, WorkKind kind,
                          const ProcessId &process) {
  SVIRT_TRY(EndWork(database, owner));
  SVIRT_TRY(database->Run(
      "INSERT INTO work(owner, kind, boot_id, pid, start_time) VALUES(?1, ?2, ?3, ?4, ?5)", owner,
      static_cast<int>(kind), process.boot_id, process.pid, process.start_time));
  return database->LastInsertId();
}

Status EndWork(Database *database, int64_t owner) {
  return database->Run("DELETE FROM work WHERE owner=?1", owner);
}

Status BusyWait::Pause(const std::string &domain) {
  if (std::chrono::steady_clock::now() - begin_ >= kBusyLimit) {
    return Error{Errc::kConflict, "an object of domain " + domain +
                                      " is being given its old label back by another process, "
                                      "which does not come to an end; try again later"};
  }
  std::this_thread::sleep_for(kBusyPause);
  return {};
}

}  // namespace svirt
