// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and drops rows of the journal, and waits for owners that are busy.
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
  SVIRT_TRY(database->Run("UPDATE use SET extent=1 WHERE owner=?1 AND number=?2 AND extent=2",
                          owner, number / kBelow));
  return DropUse(database, owner, number);
}

uint64_t ObjectBit(const ObjectId &id) {
  // The files of one domain are often made one after the other, with numbers that are.
  return uint64_t{1} << (id.ino % 64);
}

Result<RestoredSince> RestoredSince::Read(Database *database, int64_t time) {
  uint64_t objects = 0;
  SVIRT_ASSIGN(
      Query query,
      database->Ask("SELECT time, objects FROM restored WHERE time>?1 ORDER BY time", time));
  for (int64_t expected = time + 1;; ++expected) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return RestoredSince(objects);
    }
    if (query.Int(0) != expected) {
      return RestoredSince(kAllObjects);  // more times than are kept
    }
    objects |= static_cast<uint64_t>(query.Int(1));
  }
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
