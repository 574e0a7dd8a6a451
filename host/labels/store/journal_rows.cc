// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and changes the rows of uses, restored times and boots.
#include "host/labels/store/journal_rows.h"

#include <utility>

namespace svirt {
namespace {

// Values of enumerators inside SQL.
#define SVIRT_TREE "1"
#define SVIRT_WHOLE "2"
#define SVIRT_ENTRY "3"
static_assert(static_cast<int>(Extent::kTree) == 1);
static_assert(static_cast<int>(Extent::kWhole) == 2);
static_assert(static_cast<int>(Extent::kEntry) == 3);
static_assert(static_cast<int>(OldLabel::State::kPresent) == 0);
static_assert(static_cast<int>(OldLabel::State::kAbsent) == 1);
static_assert(static_cast<int>(OldLabel::State::kUnsupported) == 2);
#define SVIRT_UNDO "1"
#define SVIRT_UNDO_ALL "2"
static_assert(static_cast<int>(WorkKind::kUndo) == 1);
static_assert(static_cast<int>(WorkKind::kUndoAll) == 2);

#define SVIRT_USE_COLUMNS                                                                    \
  "use.owner, number, model, path, dev, ino, btime, boot, old_state, old_label, use.label, " \
  "earlier_label, exclusive, keep, away, extent, marked, work"
constexpr int kUseColumns = 18;

// Is the row of table use the object with these facts, inode number and time of birth being equal?
// After a boot the device number may be another one. Then the object is the same if its path or its
// device number is; without a time of birth it cannot be told.
#define SVIRT_IS_SAME_OBJECT(use, dev_is, boot_is, path_is)                                    \
  "(" use ".boot=" boot_is " AND " use ".dev=" dev_is " OR " use ".boot<>" boot_is " AND " use \
  ".btime<>0 AND (" use ".path=" path_is " OR " use ".dev=" dev_is "))"

// Of uses that are not retired; in these words, so that the index is found.
#define SVIRT_NOT_RETIRED(use) use ".work IS NOT 0"

#define SVIRT_IS_SHARED \
  "(use.extent<>" SVIRT_ENTRY                                               \
  " AND EXISTS (SELECT 1 FROM use AS other WHERE "                          \
  "other.ino=use.ino AND other.btime=use.btime AND " SVIRT_NOT_RETIRED(     \
      "other") " AND other.owner<>use.owner AND other.model=use.model AND " \
               "other.extent<>" SVIRT_ENTRY                                 \
               " AND " SVIRT_IS_SAME_OBJECT("other", "use.dev", "use.boot", "use.path") "))"

// So many of the last times are kept in table restored.
constexpr int64_t kRestoredKept = 16;

Use ReadUse(const Query &row) {
  return Use{.owner = row.Int(0),
             .number = row.Int(1),
             .model = row.Text(2),
             .path = row.Text(3),
             .object = {row.Unsigned(4), row.Unsigned(5), row.Int(6)},
             .boot = row.Int(7),
             .old = {static_cast<OldLabel::State>(row.Int(8)), row.Text(9)},
             .label = row.Text(10),
             .earlier_label = row.OptionalText(11),
             .exclusive = row.Int(12) != 0,
             .keep = row.Int(13) != 0,
             .away = row.Int(14) != 0,
             .extent = static_cast<Extent>(row.Int(15)),
             .marked = row.Int(16) != 0,
             .work = row.OptionalInt(17)};
}

}  // namespace

Result<std::vector<UseOfObject>> UsesOfObject(Database *database, const JournalItem &item,
                                              int64_t boot) {
  std::vector<UseOfObject> uses;
  SVIRT_TRY(ForEachRow(
      database->Ask(
          "SELECT " SVIRT_USE_COLUMNS ", iif(work_kind=" SVIRT_UNDO_ALL " OR work_kind=" SVIRT_UNDO
          " AND work_id=work, work_boot, NULL), work_pid, work_start "
          "FROM use JOIN owner ON owner.id=use.owner WHERE ino=?1 AND btime=?2 "
          "AND " SVIRT_NOT_RETIRED("use") " "
                                          "AND " SVIRT_IS_SAME_OBJECT("use", "?3", "?4", "?5"),
          item.id.ino, item.id.btime, item.id.dev, boot, item.path),
      [&uses](const Query &row) {
        UseOfObject use{ReadUse(row), std::nullopt};
        if (auto boot_id = row.OptionalText(kUseColumns)) {
          use.undoing = ProcessId{std::move(*boot_id), static_cast<pid_t>(row.Int(kUseColumns + 1)),
                                  row.Unsigned(kUseColumns + 2)};
        }
        uses.push_back(std::move(use));
      }));
  return uses;
}

Status MarkUses(Database *database, const ObjectId &object, const std::string &model) {
  return database->Run(
      "UPDATE use SET marked=1 WHERE ino=?1 AND btime=?2 AND model=?3 AND " SVIRT_NOT_RETIRED(
          "use"),
      object.ino, object.btime, model);
}

Status ForEachUse(Database *database, int64_t owner, int64_t first, int64_t end,
                  const std::function<void(UseOfOwner)> &take) {
  return ForEachRow(
      database->Ask("SELECT " SVIRT_USE_COLUMNS ", " SVIRT_IS_SHARED
                    " FROM use WHERE owner=?1 AND number>=?2 AND number<?3 ORDER BY number DESC",
                    owner, first, end),
      [&take](const Query &row) {
        take({ReadUse(row), row.Int(kUseColumns) != 0});
      });
}

Result<bool> HasUses(Database *database, int64_t owner) {
  SVIRT_ASSIGN(const auto one, database->AskInt("SELECT 1 FROM use WHERE owner=?1 LIMIT 1", owner));
  return one.has_value();
}

Result<int64_t> CountObjects(Database *database, int64_t owner) {
  SVIRT_ASSIGN(
      const auto objects,
      database->AskInt("SELECT count(*) FROM use WHERE owner=?1 AND number<?2", owner, kBelow));
  return objects.value_or(0);
}

Result<int64_t> CountUses(Database *database, int64_t owner) {
  SVIRT_ASSIGN(const auto uses, database->AskInt("SELECT count(*) FROM use WHERE owner=?1", owner));
  return uses.value_or(0);
}

Result<std::optional<int64_t>> LargestNumber(Database *database, int64_t owner, int64_t first,
                                             int64_t end) {
  SVIRT_ASSIGN(Query query,
               database->Ask("SELECT max(number) FROM use WHERE owner=?1 AND number>=?2 AND "
                             "number<?3",
                             owner, first, end));
  SVIRT_ASSIGN(const bool row, query.Step());
  return row ? query.OptionalInt(0) : std::nullopt;
}

Result<std::vector<int64_t>> WholeDirectories(Database *database, int64_t owner) {
  std::vector<int64_t> numbers;
  SVIRT_TRY(ForEachRow(
      database->Ask("SELECT number FROM use WHERE owner=?1 AND number<?2 AND extent=" SVIRT_WHOLE
                    " AND NOT away ORDER BY number",
                    owner, kBelow),
      [&numbers](const Query &row) { numbers.push_back(row.Int(0)); }));
  return numbers;
}

Result<OldLabel> OldLabelOf(Database *database, int64_t owner, int64_t number) {
  SVIRT_ASSIGN(Query query,
               database->Ask("SELECT old_state, old_label FROM use WHERE owner=?1 AND number=?2",
                             owner, number));
  SVIRT_ASSIGN(const bool row, query.Step());
  if (!row) {
    return Error{Errc::kInternal, "the label database does not keep its directories"};
  }
  return OldLabel{static_cast<OldLabel::State>(query.Int(0)), query.Text(1)};
}

Status InsertUse(Database *database, const Use &use) {
  return database->Run(
      "INSERT INTO use VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
      "?16, ?17, ?18)",
      use.owner, use.number, use.model, use.path, use.object.dev, use.object.ino, use.object.btime,
      use.boot, static_cast<int>(use.old.state), use.old.label, use.label, use.earlier_label,
      use.exclusive, use.keep, use.away, static_cast<int>(use.extent), use.marked, use.work);
}

Status UpdateUse(Database *database, const Use &use) {
  return database->Run(
      "UPDATE use SET label=?3, path=?4, dev=?5, boot=?6, earlier_label=?7, exclusive=?8, "
      "keep=?9 OR (keep AND away), extent=?10, marked=marked OR ?11 WHERE owner=?1 AND number=?2",
      use.owner, use.number, use.label, use.path, use.object.dev, use.boot, use.earlier_label,
      use.exclusive, use.keep, static_cast<int>(use.extent), use.marked);
}

Status DropUse(Database *database, int64_t owner, int64_t number) {
  return database->Run("DELETE FROM use WHERE owner=?1 AND number=?2", owner, number);
}

Status GiveUpUse(Database *database, int64_t owner, int64_t number) {
  SVIRT_TRY(database->Run("UPDATE use SET extent=" SVIRT_TREE
                          " WHERE owner=?1 AND number=?2 AND extent=" SVIRT_WHOLE,
                          owner, number / kBelow));
  return DropUse(database, owner, number);
}

Status DropUses(Database *database, int64_t owner) {
  return database->Run("DELETE FROM use WHERE owner=?1", owner);
}

Status DropUsesOfWork(Database *database, int64_t owner, int64_t work) {
  return database->Run("DELETE FROM use WHERE owner=?1 AND work=?2", owner, work);
}

Status DropRetiredUses(Database *database, int64_t owner) {
  return database->Run("DELETE FROM use WHERE owner=?1 AND work=0", owner);
}

Status RetireUses(Database *database, int64_t owner) {
  return database->Run("UPDATE use SET work=0 WHERE owner=?1", owner);
}

Status RetireUsesOfWork(Database *database, int64_t owner, int64_t work, int64_t to) {
  return database->Run("UPDATE use SET owner=?3, work=0 WHERE owner=?1 AND work=?2", owner, work,
                       to);
}

Status RetireUse(Database *database, int64_t owner, int64_t number, int64_t to) {
  return database->Run("UPDATE use SET owner=?3, work=0 WHERE owner=?1 AND number=?2", owner,
                       number, to);
}

Result<std::vector<std::string>> ModelsOfUses(Database *database, int64_t owner) {
  std::vector<std::string> models;
  SVIRT_TRY(ForEachRow(database->Ask("SELECT DISTINCT model FROM use WHERE owner=?1", owner),
                       [&models](const Query &row) { models.push_back(row.Text(0)); }));
  return models;
}

Result<std::vector<std::pair<uint64_t, std::string>>> DevicesOfUses(Database *database,
                                                                    int64_t owner, int64_t boot) {
  std::vector<std::pair<uint64_t, std::string>> devices;
  SVIRT_TRY(ForEachRow(
      database->Ask("SELECT iif(boot=?2, dev, 0), min(path) FROM use WHERE "
                    "owner=?1 GROUP BY dev, boot",
                    owner, boot),
      [&devices](const Query &row) { devices.emplace_back(row.Unsigned(0), row.Text(1)); }));
  return devices;
}

Status SetWholeRow(Database *database, int64_t owner, int64_t directory) {
  return database->Run("UPDATE use SET extent=" SVIRT_WHOLE " WHERE owner=?1 AND number=?2", owner,
                       directory);
}

Status HandOutUse(Database *database, int64_t owner, int64_t number, int64_t work) {
  return database->Run("UPDATE use SET work=?3, extent=iif(extent=" SVIRT_WHOLE ", " SVIRT_TREE
                       ", extent) WHERE owner=?1 AND number=?2",
                       owner, number, work);
}

Status SetAway(Database *database, int64_t owner, bool away) {
  return database->Run("UPDATE use SET away=?2 WHERE owner=?1", owner, away);
}

uint64_t ObjectBit(const ObjectId &id) {
  // The files of one domain are often made one after the other, with numbers that are.
  return uint64_t{1} << (id.ino % 64);
}

Result<int64_t> LastRestored(Database *database) {
  SVIRT_ASSIGN(const auto time, database->AskInt("SELECT max(time) FROM restored"));
  return time.value_or(0);
}

Status EnterRestored(Database *database, uint64_t objects) {
  SVIRT_TRY(database->Run(
      "INSERT INTO restored VALUES((SELECT coalesce(max(time), 0) + 1 FROM restored), ?1)",
      static_cast<int64_t>(objects)));
  return database->Run("DELETE FROM restored WHERE time<=?1",
                       database->LastInsertId() - kRestoredKept);
}

Result<RestoredSince> RestoredSince::Read(Database *database, int64_t time) {
  uint64_t objects = 0;
  int64_t expected = time + 1;
  SVIRT_TRY(ForEachRow(
      database->Ask("SELECT time, objects FROM restored WHERE time>?1 ORDER BY time", time),
      [&](const Query &row) {
        // Another one: there were more times than are kept.
        objects |= row.Int(0) == expected ? static_cast<uint64_t>(row.Int(1)) : kAllObjects;
        ++expected;
      }));
  return RestoredSince(objects);
}

Result<int64_t> KnownBoot(Database *database, const std::string &boot_id) {
  SVIRT_ASSIGN(const auto known, database->AskInt("SELECT id FROM boot WHERE boot_id=?1", boot_id));
  return known.value_or(0);
}

Result<int64_t> BootNumber(Database *database, const std::string &boot_id) {
  SVIRT_ASSIGN(const int64_t known, KnownBoot(database, boot_id));
  if (known != 0) {
    return known;
  }
  SVIRT_TRY(database->Run("INSERT INTO boot(boot_id) VALUES(?1)", boot_id));
  return database->LastInsertId();
}

}  // namespace svirt
