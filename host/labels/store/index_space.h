// SPDX-License-Identifier: LGPL-2.1-or-later
// Gives out label indexes so that no two owners have the same one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/labels/index_runs.h"
#include "host/util/result.h"
#include "host/util/sqlite.h"

namespace svirt {

// The label indexes of one (model, DOI) in the database: which owner has taken which. What changes
// something needs a Transaction around it.
class IndexSpace {
 public:
  // nullopt: nothing was ever taken in it.
  static Result<std::optional<IndexSpace>> Find(Database *database, const std::string &model,
                                                const std::string &doi);
  static Result<IndexSpace> FindOrCreate(Database *database, const std::string &model,
                                         const std::string &doi);

  int64_t id() const { return id_; }

  // A free member of runs, nullopt if there is none. The search goes on where the last one ended,
  // so that an index that was just given back, and that files may bear for a while, comes up last;
  // the first of all starts at start. A few steps per run, however full the space is.
  Result<std::optional<uint64_t>> Pick(const IndexRuns &runs, uint64_t start) const;

  // The member of runs at which Pick would try first; nullopt if there is none.
  std::optional<uint64_t> AfterCursor(const IndexRuns &runs) const;

  // The whole run must be free. Pick goes on behind it after SetCursor.
  Status Take(const IndexRun &run, int64_t owner);
  Status SetCursor(uint64_t index);

  // Parts of run that are taken, and by whom.
  struct Taken {
    IndexRun run;
    int64_t owner = 0;
  };
  Result<std::vector<Taken>> Overlaps(const IndexRun &run) const;

  Result<IndexRuns> HeldBy(int64_t owner) const;

  // Owners that have taken something from first to last, as far as it is worth while to count them.
  Result<int64_t> CountOwners(uint64_t first, uint64_t last) const;

  // Gives back one index, which the owner has taken by itself.
  Status GiveBack(uint64_t index, int64_t owner) const;
  // Gives back all that the owner has taken, in every space.
  static Status Release(Database *database, int64_t owner);

 private:
  IndexSpace(Database *database, int64_t id, std::optional<uint64_t> cursor)
      : database_(database), id_(id), cursor_(cursor) {}
  Result<std::optional<uint64_t>> FirstFree(const IndexRuns &runs, uint64_t from,
                                            uint64_t end) const;

  Database *database_;
  int64_t id_;
  std::optional<uint64_t> cursor_;
};

}  // namespace svirt
