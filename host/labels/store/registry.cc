// SPDX-License-Identifier: LGPL-2.1-or-later
// Gives labels out and takes them back.
#include "host/labels/store/registry.h"

#include <map>
#include <utility>

#include "host/labels/store/borne_rows.h"
#include "host/labels/store/index_space.h"
#include "host/labels/store/journal_rows.h"
#include "host/labels/store/label_clash.h"
#include "host/labels/store/liveness.h"
#include "host/labels/store/registry_rows.h"

namespace svirt {
namespace {

// Dead owners are looked for among so many at a time; each one costs a look into /proc.
constexpr int kReclaimBatch = 1000;

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

// Is what the owner holds for the model already just what is asked for?
bool Matches(const HeldLabel &held, const LabelRequest &request) {
  if (held.doi != request.doi || held.type != request.type) {
    return false;
  }
  if (request.type == SecLabel::Type::kStatic) {
    return held.label == request.label;
  }
  return held.index ? ContainsIndex(request.runs, *held.index) : request.runs.empty();
}

Error HoldsAnother(const LabelOwner &owner, const LabelRequest &request) {
  return Error{Errc::kExists,
               "domain " + owner.name + " (" + owner.uuid + ") still holds another label of " +
                   ModelName(request.model, request.doi) + "; stop it, or run 'svirt restore " +
                   owner.name + "' when nothing runs under that label"};
}

// Always an error.
Status Exhausted(const IndexSpace &space, const LabelRequest &request) {
  SVIRT_ASSIGN(const int64_t owners,
               space.CountOwners(request.runs.front().first,
                                 request.runs.back().first + request.runs.back().count - 1));
  return Error{Errc::kExhausted, "all " + std::to_string(CountIndexes(request.runs)) +
                                     " labels that " + ModelName(request.model, request.doi) +
                                     " may give out here are in use by " + std::to_string(owners) +
                                     " domains or foreign processes; stop a domain, or widen the "
                                     "label range of this daemon"};
}

// Dead owners without labelled objects that hold a part of the space.
Result<std::vector<int64_t>> DeadOwners(Database *db, const IndexSpace &space) {
  SVIRT_ASSIGN(std::vector<int64_t> owners, OwnersWithoutObjects(db, space.id(), kReclaimBatch));
  std::vector<int64_t> dead;
  for (const int64_t owner : owners) {
    SVIRT_ASSIGN(const auto running, RunningHolders(db, owner));
    if (running.empty()) {
      dead.push_back(owner);
    }
  }
  return dead;
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

// Who asks for just these indexes has a reason: they are its own, of a time that the database does
// not know of any more. Objects that bear their labels do not stand in the way.
enum class Objects { kStay, kGiveWay };

// Makes dead owners give back what they hold of the run, and gives the parts that stay taken.
Result<std::vector<IndexSpace::Taken>> ClearDead(Database *db, const IndexSpace &space,
                                                 const IndexRun &run, Objects objects) {
  SVIRT_ASSIGN(const auto overlaps, space.Overlaps(run));
  std::map<int64_t, bool> gone;
  std::vector<IndexSpace::Taken> left;
  for (const auto &overlap : overlaps) {
    if (!gone.contains(overlap.owner)) {
      SVIRT_ASSIGN(const OwnerRow other, GetOwner(db, overlap.owner));
      if (other.is_objects() && objects == Objects::kGiveWay) {
        SVIRT_TRY(ForgetBorneOwner(db, other.id));
        gone[overlap.owner] = true;
      } else {
        SVIRT_ASSIGN(gone[overlap.owner], ForgetIfDead(db, other));
      }
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
    SVIRT_ASSIGN(const auto taken, ClearDead(db, space, run, Objects::kGiveWay));
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
  if (!index && CountIndexes(request.runs) == 1) {
    SVIRT_TRY(ClearDead(db, space, request.runs.front(), Objects::kGiveWay));
    SVIRT_ASSIGN(index, space.Pick(request.runs, first));
  }
  if (!index) {
    SVIRT_ASSIGN(const auto dead, DeadOwners(db, space));
    for (const int64_t id : dead) {
      SVIRT_TRY(ForgetOwner(db, id));
    }
    SVIRT_ASSIGN(index, space.Pick(request.runs, first));
  }
  if (!index) {
    return Exhausted(space, request).error();
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
      if (!dead && !other.is_objects() && other.owner.uuid != uuid) {
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
  if (CountIndexes(allowed) == 1 && CountIndexes(request.runs) == 1) {
    SVIRT_ASSIGN(const auto overlaps, space.Overlaps(allowed.front()));
    for (const auto &overlap : overlaps) {
      SVIRT_ASSIGN(const OwnerRow other, GetOwner(db, overlap.owner));
      if (other.is_objects()) {
        return allowed.front().first;
      }
    }
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
  return Exhausted(space, request).error();
}

// all: also those whose processes still run.
Status ForgetForeign(Database *db, const IndexSpace &space, bool all) {
  SVIRT_ASSIGN(const std::vector<int64_t> owners, ForeignOwners(db, space.id()));
  for (const int64_t owner : owners) {
    SVIRT_ASSIGN(const auto running, RunningHolders(db, owner));
    if (all || running.empty()) {
      SVIRT_TRY(ForgetOwner(db, owner));
    }
  }
  return {};
}

// Takes what is still free of the indexes of a foreign label.
Status EnterForeign(Database *db, IndexSpace &space, const ForeignLabel &foreign) {
  IndexRuns free;
  for (const IndexRun &run : foreign.runs) {
    SVIRT_ASSIGN(const auto overlaps, ClearDead(db, space, run, Objects::kStay));
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
  SVIRT_ASSIGN(const int64_t owner, EnterForeignOwner(db, space.id(), foreign));
  for (const ProcessId &process : foreign.processes) {
    SVIRT_TRY(AddHolderRow(db, owner, process, HolderRole::kProcess));
  }
  for (const IndexRun &run : free) {
    SVIRT_TRY(space.Take(run, owner));
  }
  return {};
}

Status EnterBorneObject(Database *db, const BorneLabel &object, int64_t boot) {
  SVIRT_ASSIGN(IndexSpace space, IndexSpace::FindOrCreate(db, object.model, object.doi));
  SVIRT_ASSIGN(const auto taken, ClearDead(db, space, {object.index, 1}, Objects::kStay));
  if (!taken.empty()) {
    SVIRT_ASSIGN(const OwnerRow other, GetOwner(db, taken.front().owner));
    return other.is_objects() ? EnterBorneRow(db, other.id, object, boot) : Status();
  }
  SVIRT_ASSIGN(const int64_t owner, EnterBorneOwner(db, space.id(), object));
  SVIRT_TRY(space.Take({object.index, 1}, owner));
  return EnterBorneRow(db, owner, object, boot);
}

Result<StoreMark> MarkOf(Database *db) {
  StoreMark mark;
  SVIRT_ASSIGN(mark.restored, LastRestored(db));
  SVIRT_ASSIGN(mark.seeded, TimesSeeded(db));
  SVIRT_ASSIGN(mark.has_foreign, HasForeignOwners(db));
  return mark;
}

}  // namespace

Result<std::optional<uint64_t>> Registry::Acquire(const LabelOwner &owner,
                                                  const LabelRequest &request) {
  SVIRT_TRY(CheckRequest(request));
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(const int64_t id, EnterOwner(db.get(), owner, database_->self()));
  SVIRT_ASSIGN(const auto existing, FindLabel(db.get(), id, request.model));
  if (existing && !Matches(*existing, request)) {
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
      SVIRT_ASSIGN(index, TakeOne(db.get(), space, request, id, database_->host_number()));
    }
  }
  SVIRT_TRY(EnterLabel(db.get(), id,
                       {.model = request.model,
                        .doi = request.doi,
                        .type = request.type,
                        .index = index,
                        .label = request.label,
                        .image_label = ""}));
  SVIRT_TRY(db.Commit());
  return index;
}

Result<std::optional<uint64_t>> Registry::Peek(const LabelOwner &owner, const LabelRequest &request,
                                               const IndexRuns &avoid) {
  SVIRT_TRY(CheckRequest(request));
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const auto known, FindOwner(db.get(), owner.uuid));
  if (known) {
    SVIRT_ASSIGN(const auto existing, FindLabel(db.get(), known->id, request.model));
    SVIRT_ASSIGN(const bool live, IsLive(db.get(), *known));
    if (existing && Matches(*existing, request)) {
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
    const auto ahead = NextIndex(allowed, FirstOf(request, database_->host_number()));
    return ahead ? ahead : NextIndex(allowed, 0);
  }
  if (!dynamic) {
    SVIRT_TRY(CheckAll(db.get(), *space, request, owner.uuid));
    return std::optional<uint64_t>();
  }
  SVIRT_ASSIGN(const uint64_t index,
               PeekOne(db.get(), *space, request, avoid, database_->host_number()));
  return std::optional<uint64_t>(index);
}

Status Registry::Seed(const std::string &model, const std::string &doi,
                      const std::vector<ForeignLabel> &labels, StoreMark *before) {
  if (labels.empty() && before != nullptr && !before->has_foreign) {
    return {};  // the usual case does not write
  }
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(IndexSpace space, IndexSpace::FindOrCreate(db.get(), model, doi));
  SVIRT_ASSIGN(const int64_t now, TimesSeeded(db.get()));
  const bool alone = before == nullptr || before->seeded == now;
  SVIRT_TRY(ForgetForeign(db.get(), space, alone));
  SVIRT_TRY(CountSeed(db.get()));
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
      SVIRT_TRY(AddHolderRow(db.get(), owner->second, process, HolderRole::kProcess));
    }
  }
  for (const ForeignLabel *foreign : unknown) {
    SVIRT_TRY(EnterForeign(db.get(), space, *foreign));
  }
  return db.Commit();
}

Status Registry::AddHolder(const std::string &uuid, const ProcessId &process, HolderRole role) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return Error{Errc::kNotFound, "no labels are entered for domain " + uuid};
  }
  SVIRT_TRY(DropProvisionalHolders(db.get(), owner->id));
  SVIRT_TRY(AddHolderRow(db.get(), owner->id, process, role));
  return db.Commit();
}

Status Registry::Pin(const std::string &uuid, PinnedFor whom) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return Error{Errc::kNotFound, "no labels are entered for domain " + uuid};
  }
  SVIRT_TRY(DropProvisionalHolders(db.get(), owner->id));
  SVIRT_TRY(PinOwner(db.get(), owner->id, whom));
  return db.CommitDurably();  // it is to outlast this boot
}

Status Registry::DropOwnHold(const std::string &uuid) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (owner) {
    SVIRT_TRY(DropOwnHoldRow(db.get(), owner->id, database_->self()));
  }
  return db.Commit();
}

Result<IndexHolder> Registry::HolderOf(const std::string &model, const std::string &doi,
                                       uint64_t index) {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const auto space, IndexSpace::Find(db.get(), model, doi));
  if (!space) {
    return IndexHolder::kNobody;
  }
  SVIRT_ASSIGN(const auto overlaps, space->Overlaps({index, 1}));
  for (const auto &overlap : overlaps) {
    SVIRT_ASSIGN(const OwnerRow owner, GetOwner(db.get(), overlap.owner));
    SVIRT_ASSIGN(const bool forgettable, IsForgettable(db.get(), owner));
    if (!forgettable) {
      return owner.is_objects() ? IndexHolder::kObjects : IndexHolder::kOwner;
    }
  }
  return IndexHolder::kNobody;
}

Status Registry::EnterBorne(const std::vector<BorneLabel> &objects) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(const int64_t boot, BootNumber(db.get(), database_->self().boot_id));
  for (const BorneLabel &object : objects) {
    SVIRT_TRY(EnterBorneObject(db.get(), object, boot));
  }
  return db.Commit();
}

Status Registry::YieldToBorne(const std::string &uuid, const std::vector<BorneLabel> &objects) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  SVIRT_ASSIGN(const int64_t boot, BootNumber(db.get(), database_->self().boot_id));
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  for (const BorneLabel &object : objects) {
    std::optional<HeldLabel> held;
    if (owner) {
      SVIRT_ASSIGN(held, FindLabel(db.get(), owner->id, object.model));
    }
    if (held && held->index == object.index) {
      SVIRT_ASSIGN(const IndexSpace space,
                   IndexSpace::FindOrCreate(db.get(), object.model, object.doi));
      SVIRT_TRY(space.GiveBack(object.index, owner->id));
      SVIRT_TRY(DropLabel(db.get(), owner->id, object.model));
    }
    SVIRT_TRY(EnterBorneObject(db.get(), object, boot));
  }
  return db.Commit();
}

Result<std::vector<BorneLabel>> Registry::Borne() {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  SVIRT_ASSIGN(const int64_t boot, KnownBoot(db.get(), database_->self().boot_id));
  return BorneRows(db.get(), boot);
}

Status Registry::DropBorne(const std::vector<BorneLabel> &objects) {
  SVIRT_ASSIGN(LabelDatabase::Writing db, database_->Write());
  for (const BorneLabel &object : objects) {
    SVIRT_TRY(DropBorneRow(db.get(), object));
  }
  return db.Commit();
}

Result<StoreMark> Registry::Mark() {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  return MarkOf(db.get());
}

Result<std::optional<OwnerState>> Registry::Describe(const std::string &uuid, StoreMark *mark) {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  if (mark != nullptr) {
    SVIRT_ASSIGN(*mark, MarkOf(db.get()));
  }
  SVIRT_ASSIGN(const auto owner, FindOwner(db.get(), uuid));
  if (!owner) {
    return std::optional<OwnerState>();
  }
  OwnerState state;
  state.owner = owner->owner;
  state.pinned = owner->pinned;
  state.handover = owner->handover;
  state.in_hypervisor = owner->in_hypervisor;
  SVIRT_ASSIGN(Holders holders, HoldersSeenBy(db.get(), owner->id, database_->self()));
  state.processes = std::move(holders.processes);
  state.keepers = std::move(holders.keepers);
  state.own_hold = holders.own_hold;
  SVIRT_ASSIGN(state.objects, CountObjects(db.get(), owner->id));
  state.interrupted = owner->work && !IsRunning(owner->work->process);
  SVIRT_ASSIGN(state.labels, LabelsOf(db.get(), owner->id));
  return std::optional<OwnerState>(std::move(state));
}

Result<std::vector<std::string>> Registry::Owners() {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  return DomainUuids(db.get());
}

Result<std::string> Registry::FindClash(const LabelOwner &owner, const HeldLabel &held) {
  SVIRT_ASSIGN(const LabelDatabase::Reading db, database_->Read());
  const Snapshot snapshot(db.get());
  return FindLabelClash(db.get(), owner, held);
}

}  // namespace svirt
