// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and changes the rows of objects that bear labels of nobody.
#include "host/labels/store/borne_rows.h"

#include "host/labels/store/registry_rows.h"

namespace svirt {

Result<int64_t> EnterBorneOwner(Database *database, int64_t space, const BorneLabel &object) {
  const std::string uuid =
      kBornePrefix + std::to_string(space) + ":" + std::to_string(object.index);
  SVIRT_TRY(database->Run(
      "INSERT INTO owner(uuid, name, virt_type, foreign_space) VALUES(?1, ?2, '', ?3) "
      "ON CONFLICT DO NOTHING",
      uuid, "the label " + object.label + " of " + object.path, space));
  SVIRT_ASSIGN(const auto owner, database->AskInt("SELECT id FROM owner WHERE uuid=?1", uuid));
  if (!owner) {
    return Error{Errc::kInternal, "the label database does not keep its owners"};
  }
  return *owner;
}

Status EnterBorneRow(Database *database, int64_t owner, const BorneLabel &object, int64_t boot) {
  return database->Run(
      "INSERT INTO borne VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET boot=?5, "
      "path=?6, label=?7",
      owner, object.id.ino, object.id.btime, object.id.dev, boot, object.path, object.label);
}

Result<std::vector<BorneLabel>> BorneRows(Database *database, int64_t boot) {
  std::vector<BorneLabel> objects;
  SVIRT_TRY(ForEachRow(
      database->Ask("SELECT model, doi, taken.first, label, path, dev, ino, btime, boot<>?1 FROM "
                    "borne JOIN taken USING(owner) JOIN space ON space.id=taken.space ORDER BY "
                    "taken.space, taken.first, path",
                    boot),
      [&objects](const Query &row) {
        objects.push_back({.model = row.Text(0),
                           .doi = row.Text(1),
                           .index = row.Unsigned(2),
                           .label = row.Text(3),
                           .path = row.Text(4),
                           .id = {row.Unsigned(5), row.Unsigned(6), row.Int(7)},
                           .earlier_boot = row.Int(8) != 0});
      }));
  return objects;
}

Status DropBorneRow(Database *database, const BorneLabel &object) {
  SVIRT_ASSIGN(const auto owner,
               database->AskInt("SELECT taken.owner FROM taken JOIN space ON space.id=taken.space "
                                "JOIN borne USING(owner) WHERE model=?1 AND doi=?2 AND first=?3 "
                                "AND ino=?4 AND btime=?5 AND dev=?6",
                                object.model, object.doi, object.index, object.id.ino,
                                object.id.btime, object.id.dev));
  if (!owner) {
    return {};
  }
  SVIRT_TRY(database->Run("DELETE FROM borne WHERE owner=?1 AND ino=?2 AND btime=?3 AND dev=?4",
                          *owner, object.id.ino, object.id.btime, object.id.dev));
  SVIRT_ASSIGN(const auto left,
               database->AskInt("SELECT 1 FROM borne WHERE owner=?1 LIMIT 1", *owner));
  return left ? Status() : ForgetOwner(database, *owner);
}

Status ForgetBorneOwner(Database *database, int64_t owner) {
  SVIRT_TRY(database->Run("DELETE FROM borne WHERE owner=?1", owner));
  return ForgetOwner(database, owner);
}

}  // namespace svirt
