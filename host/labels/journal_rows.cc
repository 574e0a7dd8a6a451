// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/labels/journal_rows.h"

#include <thread>

namespace svirt {
namespace {

constexpr std::chrono::seconds kBusyLimit{10};
constexpr std::chrono::milliseconds kBusyPause{2};

}  // namespace

Use ReadUse(const Query &query) {
  return Use{.owner = query.Int(0),
             .number = query.Int(1),
             .model = query.Text(2),
             .path = query.Text(3),
             .object = {query.Unsigned(4), query.Unsigned(5), query.Int(6)},
             .boot = query.Int(7),
             .old = {static_cast<OldLabel::State>(query.Int(8)), query.Text(9)},
             .label = query.Text(10),
             .earlier_label = query.OptionalText(11),
             .exclusive = query.Int(12) != 0,
             .keep = query.Int(13) != 0,
             .away = query.Int(14) != 0,
             .extent = static_cast<Extent>(query.Int(15)),
             .marked = query.Int(16) != 0};
}

Status DropUse(Database *database, int64_t owner, int64_t number) {
  return database->Run("DELETE FROM use WHERE owner=?1 AND number=?2", owner, number);
}

Status GiveUpUse(Database *database, int64_t owner, int64_t number) {
  SVIRT_TRY(database->Run("UPDATE use SET extent=min(extent, 1) WHERE owner=?1 AND number=?2",
                          owner, number / kBelow));
  return DropUse(database, owner, number);
}

Result<int64_t> BootNumber(Database *database, const std::string &boot_id) {
  SVIRT_ASSIGN(const auto known, database->AskInt("SELECT id FROM boot WHERE boot_id=?1", boot_id));
  if (known) {
    return *known;
  }
  SVIRT_TRY(database->Run("INSERT INTO boot(boot_id) VALUES(?1)", boot_id));
  return database->LastInsertId();
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
