// SPDX-License-Identifier: LGPL-2.1-or-later
// What LabelStore knows of a domain that goes to, or comes from, another host.
#include <utility>

#include "host/labels/journal_rows.h"
#include "host/labels/label_store.h"
#include "host/labels/owners.h"
#include "host/labels/store_connection.h"

namespace svirt {

Result<std::vector<JournalItem>> LabelStore::Uses(const std::string &uuid) {
  SVIRT_ASSIGN(const Connection db, Connect());
  std::vector<JournalItem> items;
  SVIRT_ASSIGN(Query query, db->Ask("SELECT " SVIRT_USE_COLUMNS ", " SVIRT_IS_SHARED
                                    " FROM use JOIN owner ON owner.id=use.owner WHERE uuid=?1 "
                                    "ORDER BY number",
                                    uuid));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return items;
    }
    Use use = ReadUse(query);
    items.push_back({.model = std::move(use.model),
                     .path = std::move(use.path),
                     .id = use.object,
                     .old = std::move(use.old),
                     .label = std::move(use.label),
                     .exclusive = use.exclusive,
                     .keep = use.keep || query.Int(kUseColumns) != 0,
                     .away = use.away,
                     .extent = use.extent});
  }
}

Status LabelStore::SetHandover(const std::string &uuid, HandoverState state) {
  SVIRT_ASSIGN(Writing db, Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return Error{Errc::kNotFound, "no labels are entered for domain " + uuid};
  }
  SVIRT_TRY(
      db->Run("UPDATE owner SET handover=?2 WHERE id=?1", owner->id, static_cast<int>(state)));
  if (state == HandoverState::kNone || state == HandoverState::kGone) {
    SVIRT_TRY(
        db->Run("UPDATE use SET away=?2 WHERE owner=?1", owner->id, state == HandoverState::kGone));
  }
  // Once another host may rely on it, a power failure must not take it back.
  return db.CommitDurably();
}

}  // namespace svirt
