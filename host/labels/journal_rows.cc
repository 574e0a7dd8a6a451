// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/labels/journal_rows.h"

#include <thread>

namespace svirt {
namespace {

constexpr std::chrono::seconds kBusyLimit{10};
constexpr std::chrono::milliseconds kBusyPause{2};

}  // namespace

ObjectRow ReadObject(const Query &query) {
  ObjectRow row{.id = query.Int(0),
                .model = query.Text(1),
                .path = query.Text(2),
                .object = {query.Unsigned(3), query.Unsigned(4), query.Int(5)},
                .boot_id = query.Text(6),
                .old = {static_cast<OldLabel::State>(query.Int(7)), query.Text(8)},
                .label = query.Text(9),
                .earlier_label = query.OptionalText(10),
                .busy = std::nullopt};
  if (auto boot_id = query.OptionalText(11)) {
    row.busy = ProcessId{*boot_id, static_cast<pid_t>(query.Int(12)), query.Unsigned(13)};
  }
  return row;
}

Result<std::vector<Use>> FindUses(Database *database, int64_t object) {
  std::vector<Use> uses;
  SVIRT_ASSIGN(Query query,
               database->Ask("SELECT owner, exclusive, keep FROM use WHERE object=?1", object));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return uses;
    }
    uses.push_back({query.Int(0), query.Int(1) != 0, query.Int(2) != 0});
  }
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
