// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and changes the rows of owners, holders and labels.
#include "host/labels/store/registry_rows.h"

#include <limits>
#include <utility>

#include "host/labels/store/index_space.h"

namespace svirt {
namespace {

#define SVIRT_OWNER_COLUMNS                                                               \
  "id, uuid, name, virt_type, pinned, handover, foreign_space IS NOT NULL, work_kind IS " \
  "NOT NULL, work_kind, work_id, work_boot, work_pid, work_start, retired"
#define SVIRT_LABEL_COLUMNS "model, doi, type, number, number IS NULL, label, image_label"

// kBornePrefix.
#define SVIRT_STANDS_FOR_OBJECTS "uuid GLOB 'borne:*'"

// The values of these stand in the database.
static_assert(static_cast<int>(SecLabel::Type::kDynamic) == 1);
static_assert(static_cast<int>(SecLabel::Type::kStatic) == 2);

bool IsUnderWay(HandoverState state) {
  return state == HandoverState::kOutgoing || state == HandoverState::kIncoming;
}

OwnerRow ReadOwner(const Query &query) {
  const auto handover = static_cast<HandoverState>(query.Int(5));
  OwnerRow row{.id = query.Int(0),
               .owner = {.uuid = query.Text(1), .name = query.Text(2), .virt_type = query.Text(3)},
               .pinned = query.Int(4) != 0 || IsUnderWay(handover),
               .handover = handover,
               .in_hypervisor = query.Int(4) == static_cast<int>(PinnedFor::kHypervisor),
               .foreign = query.Int(6) != 0,
               .retired = query.Int(13),
               .work = std::nullopt};
  if (query.Int(7) != 0) {
    row.work = Work{static_cast<WorkKind>(query.Int(8)),
                    query.Int(9),
                    {query.Text(10), static_cast<pid_t>(query.Int(11)), query.Unsigned(12)}};
  }
  return row;
}

// The row that the query, which asks for SVIRT_OWNER_COLUMNS, finds.
Result<std::optional<OwnerRow>> NextOwner(Query query) {
  SVIRT_ASSIGN(const bool row, query.Step());
  return row ? std::optional<OwnerRow>(ReadOwner(query)) : std::nullopt;
}

HeldLabel ReadLabel(const Query &query) {
  return {.model = query.Text(0),
          .doi = query.Text(1),
          .type = static_cast<SecLabel::Type>(query.Int(2)),
          .index = query.Int(4) != 0 ? std::nullopt : std::optional<uint64_t>(query.Unsigned(3)),
          .label = query.Text(5),
          .image_label = query.Text(6)};
}

Result<std::vector<int64_t>> Ids(Result<Query> query) {
  std::vector<int64_t> ids;
  SVIRT_TRY(ForEachRow(std::move(query), [&ids](const Query &row) { ids.push_back(row.Int(0)); }));
  return ids;
}

Result<std::vector<Twin>> ReadTwins(Result<Query> query) {
  std::vector<Twin> twins;
  SVIRT_TRY(ForEachRow(std::move(query), [&twins](const Query &row) {
    twins.push_back({row.Int(0), row.Int(1) != 0});
  }));
  return twins;
}

}  // namespace

std::string OwnerRow::Name() const {
  if (foreign) {
    return owner.name + ", which no domain here owns";
  }
  return "domain " + owner.name + " (" + owner.uuid + ")";
}

Result<std::optional<OwnerRow>> FindOwner(Database *database, const std::string &uuid) {
  SVIRT_ASSIGN(Query query,
               database->Ask("SELECT " SVIRT_OWNER_COLUMNS " FROM owner WHERE uuid=?1", uuid));
  return NextOwner(std::move(query));
}

Result<OwnerRow> GetOwner(Database *database, int64_t id) {
  SVIRT_ASSIGN(Query query,
               database->Ask("SELECT " SVIRT_OWNER_COLUMNS " FROM owner WHERE id=?1", id));
  SVIRT_ASSIGN(auto owner, NextOwner(std::move(query)));
  if (!owner) {
    return Error{Errc::kInternal, "the label database names an owner it does not have"};
  }
  return std::move(*owner);
}

Result<std::vector<std::string>> DomainUuids(Database *database) {
  std::vector<std::string> uuids;
  SVIRT_TRY(ForEachRow(
      database->Ask(
          "SELECT uuid FROM owner WHERE foreign_space IS NULL AND retired=0 ORDER BY uuid"),
      [&uuids](const Query &row) { uuids.push_back(row.Text(0)); }));
  return uuids;
}

Result<int64_t> EnterOwner(Database *database, const LabelOwner &owner, const ProcessId &self) {
  SVIRT_ASSIGN(const auto known, FindOwner(database, owner.uuid));
  if (!known) {
    SVIRT_TRY(database->Run("INSERT INTO owner(uuid, name, virt_type) VALUES(?1, ?2, ?3)",
                            owner.uuid, owner.name, owner.virt_type));
  } else if (known->owner.name != owner.name || known->owner.virt_type != owner.virt_type) {
    SVIRT_TRY(database->Run("UPDATE owner SET name=?2, virt_type=?3 WHERE id=?1", known->id,
                            owner.name, owner.virt_type));
  }
  const int64_t id = known ? known->id : database->LastInsertId();
  SVIRT_TRY(AddHolderRow(database, id, self, HolderRole::kStarting));
  return id;
}

Result<int64_t> EnterForeignOwner(Database *database, int64_t space, const ForeignLabel &foreign) {
  const std::string uuid = "foreign:" + std::to_string(space) + ":" + foreign.label;
  SVIRT_TRY(database->Run(
      "INSERT INTO owner(uuid, name, virt_type, foreign_space) VALUES(?1, ?2, '', ?3) "
      "ON CONFLICT DO NOTHING",
      uuid, "process " + std::to_string(foreign.processes.front().pid), space));
  SVIRT_ASSIGN(const auto owner, database->AskInt("SELECT id FROM owner WHERE uuid=?1", uuid));
  if (!owner) {
    return Error{Errc::kInternal, "the label database does not keep its owners"};
  }
  return *owner;
}

Result<std::vector<int64_t>> ForeignOwners(Database *database, int64_t space) {
  return Ids(database->Ask(
      "SELECT id FROM owner WHERE foreign_space=?1 AND NOT " SVIRT_STANDS_FOR_OBJECTS, space));
}

Result<bool> HasForeignOwners(Database *database) {
  SVIRT_ASSIGN(const auto one,
               database->AskInt("SELECT 1 FROM owner WHERE foreign_space IS NOT NULL AND "
                                "NOT " SVIRT_STANDS_FOR_OBJECTS " LIMIT 1"));
  return one.has_value();
}

Result<std::vector<int64_t>> OwnersWithoutObjects(Database *database, int64_t space, int limit) {
  return Ids(database->Ask(
      "SELECT DISTINCT taken.owner FROM taken JOIN owner ON owner.id=taken.owner WHERE space=?1 "
      "AND NOT pinned AND handover NOT IN (?2, ?3) AND foreign_space IS NULL AND NOT EXISTS "
      "(SELECT 1 FROM use WHERE use.owner=taken.owner) LIMIT ?4",
      space, static_cast<int>(HandoverState::kOutgoing), static_cast<int>(HandoverState::kIncoming),
      limit));
}

Status PinOwner(Database *database, int64_t owner, PinnedFor whom) {
  return database->Run("UPDATE owner SET pinned=max(pinned, ?2) WHERE id=?1", owner,
                       static_cast<int>(whom));
}

Status LetGoOfOwner(Database *database, int64_t owner) {
  SVIRT_TRY(database->Run("UPDATE owner SET pinned=0 WHERE id=?1", owner));
  return database->Run("DELETE FROM holder WHERE owner=?1", owner);
}

Status SetHandoverRow(Database *database, int64_t owner, HandoverState state) {
  return database->Run("UPDATE owner SET handover=?2 WHERE id=?1", owner, static_cast<int>(state));
}

Status ForgetOwner(Database *database, int64_t owner) {
  SVIRT_TRY(IndexSpace::Release(database, owner));
  SVIRT_TRY(database->Run("DELETE FROM label WHERE owner=?1", owner));
  SVIRT_TRY(database->Run("DELETE FROM holder WHERE owner=?1", owner));
  return database->Run("DELETE FROM owner WHERE id=?1", owner);
}

Status RetireOwner(Database *database, int64_t owner, int64_t boot, size_t uses) {
  SVIRT_TRY(IndexSpace::Release(database, owner));
  SVIRT_TRY(database->Run("DELETE FROM label WHERE owner=?1", owner));
  SVIRT_TRY(database->Run("DELETE FROM holder WHERE owner=?1", owner));
  return database->Run(
      "UPDATE owner SET uuid='retired:' || id, pinned=0, handover=0, retired=?2, retired_uses=?3, "
      "work_kind=NULL, work_id=NULL, work_boot=NULL, work_pid=NULL, work_start=NULL WHERE id=?1",
      owner, boot, uses);
}

Result<int64_t> EnterRetiredOwner(Database *database, const LabelOwner &owner, int64_t boot,
                                  size_t uses) {
  SVIRT_TRY(
      database->Run("INSERT INTO owner(uuid, name, virt_type, retired, retired_uses) "
                    "VALUES('retired:new', ?1, ?2, ?3, ?4)",
                    owner.name, owner.virt_type, boot, uses));
  const int64_t id = database->LastInsertId();
  SVIRT_TRY(database->Run("UPDATE owner SET uuid='retired:' || id WHERE id=?1", id));
  return id;
}

Status ForgetRetiredOwner(Database *database, int64_t owner) {
  return database->Run("DELETE FROM owner WHERE id=?1 AND retired<>0", owner);
}

Result<RetiredCount> CountRetired(Database *database) {
  SVIRT_ASSIGN(Query query, database->Ask("SELECT count(*), total(retired_uses) FROM owner WHERE "
                                          "retired<>0"));
  SVIRT_ASSIGN(const bool row, query.Step());
  return row ? RetiredCount{query.Int(0), query.Int(1)} : RetiredCount();
}

Result<std::vector<OwnerRow>> RetiredBefore(Database *database, int64_t boot) {
  std::vector<OwnerRow> owners;
  // Boots are numbered in their order. "retired<>0" lets the index be found, which has the few of
  // earlier boots before the many of this one.
  SVIRT_TRY(ForEachRow(database->Ask("SELECT " SVIRT_OWNER_COLUMNS
                                     " FROM owner WHERE retired<>0 AND retired<?1 ORDER BY id",
                                     boot != 0 ? boot : std::numeric_limits<int64_t>::max()),
                       [&owners](const Query &row) { owners.push_back(ReadOwner(row)); }));
  return owners;
}

Result<std::vector<OwnerRow>> RetiredIn(Database *database, int64_t boot) {
  std::vector<OwnerRow> owners;
  SVIRT_TRY(ForEachRow(database->Ask("SELECT " SVIRT_OWNER_COLUMNS
                                     " FROM owner WHERE retired<>0 AND retired=?1 ORDER BY id",
                                     boot),
                       [&owners](const Query &row) { owners.push_back(ReadOwner(row)); }));
  return owners;
}

Result<int64_t> BeginWork(Database *database, int64_t owner, WorkKind kind,
                          const ProcessId &process) {
  // Not the id of any work before, whose marks are still in the table of uses.
  SVIRT_TRY(database->Run(
      "UPDATE owner SET work_kind=?2, work_id=random(), work_boot=?3, work_pid=?4, "
      "work_start=?5 WHERE id=?1",
      owner, static_cast<int>(kind), process.boot_id, process.pid, process.start_time));
  SVIRT_ASSIGN(const auto id, database->AskInt("SELECT work_id FROM owner WHERE id=?1", owner));
  if (!id) {
    return Error{Errc::kInternal, "the label database does not keep what is being done"};
  }
  return *id;
}

Status EndWork(Database *database, int64_t owner) {
  return database->Run(
      "UPDATE owner SET work_kind=NULL, work_id=NULL, work_boot=NULL, work_pid=NULL, "
      "work_start=NULL WHERE id=?1 AND work_kind IS NOT NULL",
      owner);
}

Status AddHolderRow(Database *database, int64_t owner, const ProcessId &process, HolderRole role) {
  SVIRT_TRY(database->Run(
      "INSERT INTO holder VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
      "provisional=0 WHERE provisional AND NOT excluded.provisional",
      owner, process.boot_id, process.pid, process.start_time, role == HolderRole::kStarting));
  return role == HolderRole::kKeeper
             ? database->Run("INSERT OR IGNORE INTO keeper VALUES(?1, ?2, ?3, ?4)", owner,
                             process.boot_id, process.pid, process.start_time)
             : Status();
}

Status DropProvisionalHolders(Database *database, int64_t owner) {
  return database->Run("DELETE FROM holder WHERE owner=?1 AND provisional", owner);
}

Status DropOwnHoldRow(Database *database, int64_t owner, const ProcessId &self) {
  return database->Run(
      "DELETE FROM holder WHERE owner=?1 AND provisional AND boot_id=?2 AND pid=?3 AND "
      "start_time=?4",
      owner, self.boot_id, self.pid, self.start_time);
}

Result<std::vector<Holder>> RunningHolders(Database *database, int64_t owner) {
  std::vector<Holder> running;
  SVIRT_TRY(ForEachRow(
      database->Ask(
          "SELECT boot_id, pid, start_time, provisional, EXISTS(SELECT 1 FROM keeper WHERE "
          "keeper.owner=holder.owner AND keeper.boot_id=holder.boot_id AND "
          "keeper.pid=holder.pid AND keeper.start_time=holder.start_time) FROM holder "
          "WHERE owner=?1",
          owner),
      [&running](const Query &row) {
        Holder holder{{row.Text(0), static_cast<pid_t>(row.Int(1)), row.Unsigned(2)},
                      row.Int(3) != 0   ? HolderRole::kStarting
                      : row.Int(4) != 0 ? HolderRole::kKeeper
                                        : HolderRole::kProcess};
        if (IsRunning(holder.process)) {
          running.push_back(std::move(holder));
        }
      }));
  return running;
}

Result<std::vector<HeldLabel>> LabelsOf(Database *database, int64_t owner) {
  std::vector<HeldLabel> labels;
  SVIRT_TRY(ForEachRow(
      database->Ask("SELECT " SVIRT_LABEL_COLUMNS " FROM label WHERE owner=?1 ORDER BY model",
                    owner),
      [&labels](const Query &row) { labels.push_back(ReadLabel(row)); }));
  return labels;
}

Result<std::optional<HeldLabel>> FindLabel(Database *database, int64_t owner,
                                           const std::string &model) {
  SVIRT_ASSIGN(Query query, database->Ask("SELECT " SVIRT_LABEL_COLUMNS
                                          " FROM label WHERE owner=?1 AND model=?2",
                                          owner, model));
  SVIRT_ASSIGN(const bool row, query.Step());
  return row ? std::optional<HeldLabel>(ReadLabel(query)) : std::nullopt;
}

Status EnterLabel(Database *database, int64_t owner, const HeldLabel &held) {
  return database->Run(
      "INSERT INTO label VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE "
      "SET label=?6, image_label=?7 WHERE label<>?6 OR image_label<>?7",
      owner, held.model, held.doi, static_cast<int>(held.type), held.index, held.label,
      held.image_label);
}

Status DropLabel(Database *database, int64_t owner, const std::string &model) {
  return database->Run("DELETE FROM label WHERE owner=?1 AND model=?2", owner, model);
}

Result<std::unordered_map<std::string, int64_t>> OwnersByLabel(Database *database,
                                                               const std::string &model,
                                                               const std::string &doi) {
  std::unordered_map<std::string, int64_t> owners;
  SVIRT_TRY(ForEachRow(
      database->Ask("SELECT label, owner FROM label WHERE model=?1 AND doi=?2", model, doi),
      [&owners](const Query &row) { owners.try_emplace(row.Text(0), row.Int(1)); }));
  return owners;
}

Result<std::vector<Twin>> TwinsOfLabel(Database *database, const HeldLabel &held,
                                       const std::string &uuid) {
  return ReadTwins(database->Ask(
      "SELECT owner, type=?5 AND number IS NOT NULL FROM label JOIN owner ON "
      "owner.id=label.owner WHERE model=?1 AND doi=?2 AND label=?3 AND uuid<>?4",
      held.model, held.doi, held.label, uuid, static_cast<int>(SecLabel::Type::kDynamic)));
}

Result<std::vector<Twin>> TwinsOfImageLabel(Database *database, const HeldLabel &held,
                                            const std::string &uuid) {
  return ReadTwins(database->Ask(
      "SELECT owner, type=?5 AND number IS NOT NULL FROM label JOIN owner ON "
      "owner.id=label.owner WHERE model=?1 AND doi=?2 AND image_label=?3 AND uuid<>?4",
      held.model, held.doi, held.image_label, uuid, static_cast<int>(SecLabel::Type::kDynamic)));
}

Result<int64_t> TimesSeeded(Database *database) {
  SVIRT_ASSIGN(const auto times, database->AskInt("SELECT seeded FROM meta"));
  return times.value_or(0);
}

Status CountSeed(Database *database) {
  return database->Run("UPDATE meta SET seeded=seeded+1");
}

}  // namespace svirt
