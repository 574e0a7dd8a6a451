// SPDX-License-Identifier: LGPL-2.1-or-later
// The registry half of LabelStore: which label belongs to whom.
#include <map>
#include <unordered_map>
#include <utility>

#include "host/labels/index_space.h"
#include "host/labels/label_store.h"
#include "host/labels/owners.h"
#include "host/labels/store_connection.h"

namespace svirt {
namespace {

// Dead owners are looked for among so many at a time; each one costs a look into /proc.
constexpr int kReclaimBatch = 1000;
// Counting the owners of a full space ends here.
constexpr int64_t kCountLimit = 100000;

std::string ModelName(const std::string &model, const std::string &doi) {
  return doi.empty() ? "model " + model : "model " + model + " (DOI " + doi + ")";
}

Status CheckRequest(const LabelRequest &request) {
  if (!IsIndexSet(request.runs)) {
    return Error{Errc::kInternal, "the plugin of model " + request.model +
                                      " gave label indexes that are not ascending, not disjoint "
                                      "or too large"};
  }
  return {};
}

// What the owner holds for the model already.
struct Existing {
  bool matches = false;
  std::optional<uint64_t> index;
};

Result<std::optional<Existing>> FindExisting(Database *db, int64_t owner,
                                             const LabelRequest &request) {
  SVIRT_ASSIGN(Query query, db->Ask("SELECT doi, type, number, number IS NULL, label FROM label "
                                    "WHERE owner=?1 AND model=?2",
                                    owner, request.model));
  SVIRT_ASSIGN(const bool row, query.Step());
  if (!row) {
    return std::optional<Existing>();
  }
  Existing existing;
  if (query.Int(3) == 0) {
    existing.index = query.Unsigned(2);
  }
  existing.matches =
      query.Text(0) == request.doi && query.Int(1) == static_cast<int64_t>(request.type);
  if (request.type == SecLabel::Type::kStatic) {
    existing.matches = existing.matches && query.Text(4) == request.label;
  } else if (existing.index) {
    existing.matches = existing.matches && ContainsIndex(request.runs, *existing.index);
  } else {
    existing.matches = existing.matches && request.runs.empty();
  }
  return std::optional<Existing>(existing);
}

Error HoldsAnother(const LabelOwner &owner, const LabelRequest &request) {
  return Error{Errc::kExists,
               "domain " + owner.name + " (" + owner.uuid + ") still holds another label of " +
                   ModelName(request.model, request.doi) + "; stop it, or run 'svirt restore " +
                   owner.name + "' when nothing runs under that label"};
}

// Always an error.
Status Exhausted(Database *db, const IndexSpace &space, const LabelRequest &request) {
  SVIRT_ASSIGN(const auto owners,
               db->AskInt("SELECT count(*) FROM (SELECT DISTINCT owner FROM taken WHERE space=?1 "
                          "AND first<=?3 AND last>=?2 LIMIT ?4)",
                          space.id(), request.runs.front().first,
                          request.runs.back().first + request.runs.back().count - 1, kCountLimit));
  return Error{Errc::kExhausted, "all " + std::to_string(CountIndexes(request.runs)) +
                                     " labels that " + ModelName(request.model, request.doi) +
                                     " may give out here are in use by " +
                                     std::to_string(owners.value_or(0)) +
                                     " domains or foreign processes; stop a domain, or widen the "
                                     "label range of this daemon"};
}

// Dead owners without labelled objects that hold a part of the space.
Result<std::vector<int64_t>> DeadOwners(Database *db, const IndexSpace &space) {
  std::vector<int64_t> dead;
  SVIRT_ASSIGN(Query query,
               db->Ask("SELECT DISTINCT taken.owner FROM taken JOIN owner ON owner.id=taken.owner "
                       "WHERE space=?1 AND NOT pinned AND handover NOT IN (1, 2) AND foreign_space "
                       "IS NULL AND NOT EXISTS "
                       "(SELECT 1 FROM use WHERE use.owner=taken.owner) LIMIT ?2",
                       space.id(), kReclaimBatch));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return dead;
    }
    SVIRT_ASSIGN(const auto running, RunningHolders(db, query.Int(0)));
    if (running.empty()) {
      dead.push_back(query.Int(0));
    }
  }
}

Error SharesPart(const LabelRequest &request, const OwnerRow &other) {
  return Error{Errc::kConflict, "label " + request.label + " shares a part with the label of " +
                                    other.Name() +
                                    "; choose another label, or stop that one first"};
}

Error AllForeign(const LabelRequest &request) {
  return Error{Errc::kExhausted,
               "all " + std::to_string(CountIndexes(request.runs)) + " labels that " +
                   ModelName(request.model, request.doi) +
                   " may give out here are borne by processes that no domain here owns; widen the "
                   "label range of this daemon"};
}

// Makes dead owners give back what they hold of the run, and gives the parts that stay taken.
Result<std::vector<IndexSpace::Taken>> ClearDead(Database *db, const IndexSpace &space,
                                                 const IndexRun &run) {
  SVIRT_ASSIGN(const auto overlaps, space.Overlaps(run));
  std::map<int64_t, bool> gone;
  std::vector<IndexSpace::Taken> left;
  for (const auto &overlap : overlaps) {
    if (!gone.contains(overlap.owner)) {
      SVIRT_ASSIGN(const OwnerRow other, GetOwner(db, overlap.owner));
      SVIRT_ASSIGN(gone[overlap.owner], ForgetIfDead(db, other));
    }
    if (!gone[overlap.owner]) {
      left.push_back(overlap);
    }
  }
  return left;
}

// Where a host begins to number: a place of its own among those that it may give out, whatever of
// them is free.
uint64_t FirstOf(const LabelRequest &request, uint64_t host_number) {
  const uint64_t count = CountIndexes(request.runs);
  return count == 0 ? 0 : NthIndex(request.runs, host_number % count);
}

// Takes all runs of a static label.
Status TakeAll(Database *db, IndexSpace &space, const LabelRequest &request, int64_t owner) {
  for (const IndexRun &run : request.runs) {
    SVIRT_ASSIGN(const auto taken, ClearDead(db, space, run));
    if (!taken.empty()) {
      SVIRT_ASSIGN(const OwnerRow other, GetOwner(db, taken.front().owner));
      return SharesPart(request, other);
    }
    SVIRT_TRY(space.Take(run, owner));
  }
  return {};
}

Result<uint64_t> TakeOne(Database *db, IndexSpace &space, const LabelRequest &request,
                         int64_t owner, uint64_t host_number) {
  const uint64_t first = FirstOf(request, host_number);
  SVIRT_ASSIGN(auto index, space.Pick(request.runs, first));
  if (!index) {
    SVIRT_ASSIGN(const auto dead, DeadOwners(db, space));
    for (const int64_t id : dead) {
      SVIRT_TRY(ForgetOwner(db, id));
    }
    SVIRT_ASSIGN(index, space.Pick(request.runs, first));
  }
  if (!index) {
    return Exhausted(db, space, request).error();
  }
  SVIRT_TRY(space.Take({*index, 1}, owner));
  SVIRT_TRY(space.SetCursor(*index + 1));
  return *index;
}

Status CheckAll(Database *db, const IndexSpace &space, const LabelRequest &request,
                const std::string &uuid) {
  for (const IndexRun &run : request.runs) {
    SVIRT_ASSIGN(const auto overlaps, space.Overlaps(run));
    for (const auto &overlap : overlaps) {
      SVIRT_ASSIGN(const OwnerRow other, GetOwner(db, overlap.owner));
      SVIRT_ASSIGN(const bool dead, IsForgettable(db, other));
      if (!dead && other.owner.uuid != uuid) {
        return SharesPart(request, other);
      }
    }
  }
  return {};
}

Result<uint64_t> PeekOne(Database *db, const IndexSpace &space, const LabelRequest &request,
                         const IndexRuns &avoid, uint64_t host_number) {
  const IndexRuns allowed = SubtractIndexes(request.runs, avoid);
  SVIRT_ASSIGN(const auto index, space.Pick(allowed, FirstOf(request, host_number)));
  if (index) {
    return *index;
  }
  IndexRuns freed;
  SVIRT_ASSIGN(const auto dead, DeadOwners(db, space));
  for (const int64_t id : dead) {
    SVIRT_ASSIGN(const auto runs, space.HeldBy(id));
    freed.insert(freed.end(), runs.begin(), runs.end());
  }
  const IndexRuns usable = SubtractIndexes(allowed, SubtractIndexes(allowed, freed));
  const auto next = space.AfterCursor(usable);
  if (next) {
    return *next;
  }
  return Exhausted(db, space, request).error();
}

// all: also those whose processes still run.
Status ForgetForeign(Database *db, const IndexSpace &space, bool all) {
  std::vector<int64_t> owners;
  {
    SVIRT_ASSIGN(Query query, db->Ask("SELECT id FROM owner WHERE foreign_space=?1", space.id()));
    for (;;) {
      SVIRT_ASSIGN(const bool row, query.Step());
      if (!row) {
        break;
      }
      owners.push_back(query.Int(0));
    }
  }
  for (const int64_t owner : owners) {
    SVIRT_ASSIGN(const auto running, RunningHolders(db, owner));
    if (all || running.empty()) {
      SVIRT_TRY(ForgetOwner(db, owner));
    }
  }
  return {};
}

// Which domain has which label.
Result<std::unordered_map<std::string, int64_t>> OwnersByLabel(Database *db,
                                                               const std::string &model,
                                                               const std::string &doi) {
  std::unordered_map<std::string, int64_t> owners;
  SVIRT_ASSIGN(Query query,
               db->Ask("SELECT label, owner FROM label WHERE model=?1 AND doi=?2", model, doi));
  for (;;) {
    SVIRT_ASSIGN(const bool row, query.Step());
    if (!row) {
      return owners;
    }
    owners.try_emplace(query.Text(0), query.Int(1));
  }
}

// Takes what is still free of the indexes of a foreign label.
Status EnterForeign(Database *db, IndexSpace &space, const ForeignLabel &foreign) {
  IndexRuns free;
  for (const IndexRun &run : foreign.runs) {
    SVIRT_ASSIGN(const auto overlaps, ClearDead(db, space, run));
    IndexRuns taken;
    for (const auto &overlap : overlaps) {
      taken.push_back(overlap.run);
    }
    const IndexRuns left = SubtractIndexes({run}, std::move(taken));
    free.insert(free.end(), left.begin(), left.end());
  }
  if (free.empty() || foreign.processes.empty()) {
    return {};
  }
  const std::string uuid = "foreign:" + std::to_string(space.id()) + ":" + foreign.label;
  SVIRT_TRY(
      db->Run("INSERT INTO owner(uuid, name, virt_type, foreign_space) VALUES(?1, ?2, '', "
              "?3) ON CONFLICT DO NOTHING",
              uuid, "process " + std::to_string(foreign.processes.front().pid), space.id()));
  SVIRT_ASSIGN(const auto owner, db->AskInt("SELECT id FROM owner WHERE uuid=?1", uuid));
  if (!owner) {
    return Error{Errc::kInternal, "the label database does not keep its owners"};
  }
  for (const ProcessId &process : foreign.processes) {
    SVIRT_TRY(AddHolderRow(db, *owner, process, false));
  }
  for (const IndexRun &run : free) {
    SVIRT_TRY(space.Take(run, *owner));
  }
  return {};
}

}  // namespace

Result<std::optional<uint64_t>> LabelStore::Acquire(const LabelOwner &owner,
                                                    const LabelRequest &request) {
  SVIRT_TRY(CheckRequest(request));
  SVIRT_ASSIGN(Writing db, Write());
  SVIRT_ASSIGN(const int64_t id, EnterOwner(db.get(), owner, self_));
  SVIRT_ASSIGN(const auto existing, FindExisting(db.get(), id, request));
  if (existing && !existing->matches) {
    return HoldsAnother(owner, request);
  }
  if (existing) {
    SVIRT_TRY(db.Commit());
    return existing->index;
  }
  std::optional<uint64_t> index;
  if (!request.runs.empty()) {
    SVIRT_ASSIGN(IndexSpace space, IndexSpace::FindOrCreate(db.get(), request.model, request.doi));
    if (request.type == SecLabel::Type::kStatic) {
      SVIRT_TRY(TakeAll(db.get(), space, request, id));
    } else {
      SVIRT_ASSIGN(index, TakeOne(db.get(), space, request, id, host_number_));
    }
  }
  SVIRT_TRY(db->Run("INSERT INTO label VALUES(?1, ?2, ?3, ?4, ?5, ?6, '')", id, request.model,
                    request.doi, static_cast<int>(request.type), index, request.label));
  SVIRT_TRY(db.Commit());
  return index;
}

Result<std::optional<uint64_t>> LabelStore::Peek(const LabelOwner &owner,
                                                 const LabelRequest &request,
                                                 const IndexRuns &avoid) {
  SVIRT_TRY(CheckRequest(request));
  SVIRT_ASSIGN(const Connection db, Connect());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const auto known, FindOwner(db.get(), owner.uuid));
  if (known) {
    SVIRT_ASSIGN(const auto existing, FindExisting(db.get(), known->id, request));
    SVIRT_ASSIGN(const bool live, IsLive(db.get(), *known));
    if (existing && existing->matches) {
      return existing->index;
    }
    if (existing && live) {
      return HoldsAnother(owner, request);
    }
  }
  const bool dynamic = request.type == SecLabel::Type::kDynamic;
  if (request.runs.empty()) {
    return std::optional<uint64_t>();
  }
  SVIRT_ASSIGN(const auto space, IndexSpace::Find(db.get(), request.model, request.doi));
  if (!space) {
    const IndexRuns allowed = SubtractIndexes(request.runs, avoid);
    if (dynamic && allowed.empty()) {
      return AllForeign(request);
    }
    if (!dynamic) {
      return std::optional<uint64_t>();
    }
    const auto ahead = NextIndex(allowed, FirstOf(request, host_number_));
    return ahead ? ahead : NextIndex(allowed, 0);
  }
  if (!dynamic) {
    SVIRT_TRY(CheckAll(db.get(), *space, request, owner.uuid));
    return std::optional<uint64_t>();
  }
  SVIRT_ASSIGN(const uint64_t index, PeekOne(db.get(), *space, request, avoid, host_number_));
  return std::optional<uint64_t>(index);
}

Status LabelStore::Seed(const std::string &model, const std::string &doi,
                        const std::vector<ForeignLabel> &labels, StoreMark *before) {
  if (labels.empty() && before != nullptr && !before->has_foreign) {
    return {};  // the usual case does not write
  }
  SVIRT_ASSIGN(Writing db, Write());
  SVIRT_ASSIGN(IndexSpace space, IndexSpace::FindOrCreate(db.get(), model, doi));
  SVIRT_ASSIGN(const auto now, db->AskInt("SELECT seeded FROM meta"));
  const bool alone = before == nullptr || before->seeded == now;
  SVIRT_TRY(ForgetForeign(db.get(), space, alone));
  SVIRT_TRY(db->Run("UPDATE meta SET seeded=seeded+1"));
  if (before != nullptr && alone) {
    ++before->seeded;
  }
  SVIRT_ASSIGN(const auto owners, OwnersByLabel(db.get(), model, doi));
  // Domains first: entering a foreign label drops owners of which no process is known.
  std::vector<const ForeignLabel *> unknown;
  for (const ForeignLabel &foreign : labels) {
    const auto owner = owners.find(foreign.label);
    if (owner == owners.end()) {
      unknown.push_back(&foreign);
      continue;
    }
    for (const ProcessId &process : foreign.processes) {
      SVIRT_TRY(AddHolderRow(db.get(), owner->second, process, false));
    }
  }
  for (const ForeignLabel *foreign : unknown) {
    SVIRT_TRY(EnterForeign(db.get(), space, *foreign));
  }
  return db.Commit();
}

}  // namespace svirt
