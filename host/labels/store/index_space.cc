// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds, takes and frees indexes in the tables of the label database.
#include "host/labels/store/index_space.h"

#include <algorithm>

namespace svirt {
namespace {

// Counting the owners of a full space ends here.
constexpr int64_t kCountLimit = 100000;

struct FreeRun {
  uint64_t first = 0, last = 0;
};

// Columns first, last.
Result<std::optional<FreeRun>> NextRun(Query query) {
  SVIRT_ASSIGN(const bool row, query.Step());
  if (!row) {
    return std::optional<FreeRun>();
  }
  return std::optional<FreeRun>({query.Unsigned(0), query.Unsigned(1)});
}

// The free run with the greatest first that is at most index.
Result<std::optional<FreeRun>> FreeRunUpTo(Database *database, int64_t space, uint64_t index) {
  SVIRT_ASSIGN(Query query, database->Ask("SELECT first, last FROM free WHERE space=?1 AND "
                                          "first<=?2 ORDER BY first DESC LIMIT 1",
                                          space, index));
  return NextRun(std::move(query));
}

Result<std::optional<FreeRun>> FreeRunAfter(Database *database, int64_t space, uint64_t index) {
  SVIRT_ASSIGN(Query query, database->Ask("SELECT first, last FROM free WHERE space=?1 AND "
                                          "first>?2 ORDER BY first LIMIT 1",
                                          space, index));
  return NextRun(std::move(query));
}

Status AddFree(Database *database, int64_t space, uint64_t first, uint64_t last) {
  return database->Run("INSERT INTO free VALUES(?1, ?2, ?3)", space, first, last);
}

// Makes a run free again and melts it into its free neighbours.
Status Free(Database *database, int64_t space, uint64_t first, uint64_t last) {
  SVIRT_ASSIGN(const auto before, FreeRunUpTo(database, space, first));
  SVIRT_ASSIGN(const auto after, FreeRunAfter(database, space, first));
  if (after && after->first == last + 1) {
    SVIRT_TRY(database->Run("DELETE FROM free WHERE space=?1 AND first=?2", space, after->first));
    last = after->last;
  }
  if (before && before->last + 1 == first) {
    return database->Run("UPDATE free SET last=?3 WHERE space=?1 AND first=?2", space,
                         before->first, last);
  }
  return AddFree(database, space, first, last);
}

}  // namespace

Result<std::optional<IndexSpace>> IndexSpace::Find(Database *database, const std::string &model,
                                                   const std::string &doi) {
  SVIRT_ASSIGN(Query query,
               database->Ask("SELECT id, cursor, cursor IS NULL FROM space WHERE model=?1 AND "
                             "doi=?2",
                             model, doi));
  SVIRT_ASSIGN(const bool row, query.Step());
  if (!row) {
    return std::optional<IndexSpace>();
  }
  const bool unset = query.Int(2) != 0;
  return std::optional<IndexSpace>(IndexSpace(
      database, query.Int(0), unset ? std::nullopt : std::optional<uint64_t>(query.Unsigned(1))));
}

Result<IndexSpace> IndexSpace::FindOrCreate(Database *database, const std::string &model,
                                            const std::string &doi) {
  SVIRT_ASSIGN(const auto found, Find(database, model, doi));
  if (found) {
    return *found;
  }
  SVIRT_TRY(database->Run("INSERT INTO space(model, doi) VALUES(?1, ?2)", model, doi));
  const int64_t id = database->LastInsertId();
  SVIRT_TRY(AddFree(database, id, 0, kIndexEnd - 1));
  return IndexSpace(database, id, std::nullopt);
}

// Leaps from free run to allowed run and back until one index is in both.
Result<std::optional<uint64_t>> IndexSpace::FirstFree(const IndexRuns &runs, uint64_t from,
                                                      uint64_t end) const {
  for (auto at = NextIndex(runs, from); at && *at < end;) {
    SVIRT_ASSIGN(const auto here, FreeRunUpTo(database_, id_, *at));
    if (here && here->last >= *at) {
      return at;
    }
    SVIRT_ASSIGN(const auto next, FreeRunAfter(database_, id_, *at));
    at = next ? NextIndex(runs, next->first) : std::nullopt;
  }
  return std::optional<uint64_t>();
}

Result<std::optional<uint64_t>> IndexSpace::Pick(const IndexRuns &runs, uint64_t start) const {
  if (runs.empty()) {
    return std::optional<uint64_t>();
  }
  const uint64_t from = cursor_.value_or(start);
  SVIRT_ASSIGN(const auto ahead, FirstFree(runs, from, kIndexEnd));
  if (ahead) {
    return ahead;
  }
  return FirstFree(runs, 0, from);
}

std::optional<uint64_t> IndexSpace::AfterCursor(const IndexRuns &runs) const {
  const auto ahead = NextIndex(runs, cursor_.value_or(0));
  return ahead ? ahead : NextIndex(runs, 0);
}

Result<IndexRuns> IndexSpace::HeldBy(int64_t owner) const {
  IndexRuns runs;
  SVIRT_TRY(ForEachRow(
      database_->Ask("SELECT first, last FROM taken WHERE owner=?1 AND space=?2 ORDER BY first",
                     owner, id_),
      [&runs](const Query &row) {
        runs.push_back({row.Unsigned(0), row.Unsigned(1) - row.Unsigned(0) + 1});
      }));
  return runs;
}

Result<int64_t> IndexSpace::CountOwners(uint64_t first, uint64_t last) const {
  SVIRT_ASSIGN(const auto owners,
               database_->AskInt("SELECT count(*) FROM (SELECT DISTINCT owner FROM taken WHERE "
                                 "space=?1 AND first<=?3 AND last>=?2 LIMIT ?4)",
                                 id_, first, last, kCountLimit));
  return owners.value_or(0);
}

Status IndexSpace::Take(const IndexRun &run, int64_t owner) {
  const uint64_t first = run.first;
  const uint64_t last = run.first + run.count - 1;
  SVIRT_ASSIGN(const auto around, FreeRunUpTo(database_, id_, first));
  if (!around || around->last < last) {
    return Error{Errc::kInternal, "label indexes " + std::to_string(first) + " to " +
                                      std::to_string(last) + " are not free in the registry"};
  }
  if (around->first < first) {
    SVIRT_TRY(database_->Run("UPDATE free SET last=?3 WHERE space=?1 AND first=?2", id_,
                             around->first, first - 1));
  } else {
    SVIRT_TRY(database_->Run("DELETE FROM free WHERE space=?1 AND first=?2", id_, first));
  }
  if (last < around->last) {
    SVIRT_TRY(AddFree(database_, id_, last + 1, around->last));
  }
  return database_->Run("INSERT INTO taken VALUES(?1, ?2, ?3, ?4)", id_, first, last, owner);
}

Status IndexSpace::SetCursor(uint64_t index) {
  cursor_ = index;
  return database_->Run("UPDATE space SET cursor=?2 WHERE id=?1", id_, index);
}

Result<std::vector<IndexSpace::Taken>> IndexSpace::Overlaps(const IndexRun &run) const {
  std::vector<Taken> overlaps;
  const uint64_t last = run.first + run.count - 1;
  // Taken runs are disjoint: of those that begin before the run only the nearest can reach into it.
  SVIRT_TRY(
      ForEachRow(database_->Ask("SELECT first, last, owner FROM taken WHERE space=?1 AND first<=?3 "
                                "AND first>=coalesce((SELECT max(first) FROM taken WHERE space=?1 "
                                "AND first<=?2), ?2) ORDER BY first",
                                id_, run.first, last),
                 [&](const Query &row) {
                   const uint64_t from = std::max(row.Unsigned(0), run.first);
                   const uint64_t to = std::min(row.Unsigned(1), last);
                   if (from <= to) {
                     overlaps.push_back({{from, to - from + 1}, row.Int(2)});
                   }
                 }));
  return overlaps;
}

Status IndexSpace::GiveBack(uint64_t index, int64_t owner) const {
  SVIRT_TRY(database_->Run("DELETE FROM taken WHERE space=?1 AND first=?2 AND last=?2 AND owner=?3",
                           id_, index, owner));
  return Free(database_, id_, index, index);
}

Status IndexSpace::Release(Database *database, int64_t owner) {
  struct Row {
    int64_t space;
    uint64_t first, last;
  };
  std::vector<Row> rows;
  SVIRT_TRY(ForEachRow(database->Ask("SELECT space, first, last FROM taken WHERE owner=?1", owner),
                       [&rows](const Query &row) {
                         rows.push_back({row.Int(0), row.Unsigned(1), row.Unsigned(2)});
                       }));
  for (const Row &row : rows) {
    SVIRT_TRY(Free(database, row.space, row.first, row.last));
  }
  return database->Run("DELETE FROM taken WHERE owner=?1", owner);
}

}  // namespace svirt
