// SPDX-License-Identifier: LGPL-2.1-or-later
// The tables owner, holder, label and meta of the label database: all their SQL. What changes
// something needs a Transaction around it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/labels/types.h"
#include "host/util/process.h"
#include "host/util/result.h"
#include "host/util/sqlite.h"

namespace svirt {

// What a process is doing to objects of an owner; the values stand in the database.
enum class WorkKind { kApply = 0, kUndo = 1, kUndoAll = 2 };
struct Work {
  WorkKind kind = WorkKind::kApply;
  int64_t id = 0;
  ProcessId process;
};

// How the uuid of an owner begins that stands for objects (borne_rows.h).
inline constexpr const char *kBornePrefix = "borne:";

// Who holds labels and objects: domains, foreign processes, and objects that bear a label of
// nobody.
struct OwnerRow {
  int64_t id = 0;
  LabelOwner owner;
  bool pinned = false;  // or outgoing, or incoming
  HandoverState handover = HandoverState::kNone;
  bool in_hypervisor = false;
  bool foreign = false;
  int64_t retired = 0;  // the boot in which it ended; 0: it has not
  std::optional<Work> work;

  // "domain web (UUID)", "process 7, which no domain here owns"
  std::string Name() const;
  bool is_objects() const { return foreign && owner.uuid.starts_with(kBornePrefix); }
};

// ---- Owners

Result<std::optional<OwnerRow>> FindOwner(Database *database, const std::string &uuid);
Result<OwnerRow> GetOwner(Database *database, int64_t id);
// Domains, by uuid in byte order.
Result<std::vector<std::string>> DomainUuids(Database *database);
// Enters the owner, or its present name and type; self, this process, becomes its provisional
// holder.
Result<int64_t> EnterOwner(Database *database, const LabelOwner &owner, const ProcessId &self);
// Of a label of that space which processes bear that no domain owns.
Result<int64_t> EnterForeignOwner(Database *database, int64_t space, const ForeignLabel &foreign);
// Those of processes.
Result<std::vector<int64_t>> ForeignOwners(Database *database, int64_t space);
Result<bool> HasForeignOwners(Database *database);
// Domains that hold a part of the space, are not pinned, and use no object: at most limit of them.
Result<std::vector<int64_t>> OwnersWithoutObjects(Database *database, int64_t space, int limit);
// What a hypervisor runs stays known as that, whoever pins it besides.
Status PinOwner(Database *database, int64_t owner, PinnedFor whom);
// It is pinned no more, and nobody holds it.
Status LetGoOfOwner(Database *database, int64_t owner);
Status SetHandoverRow(Database *database, int64_t owner, HandoverState state);
// Gives back all indexes of the owner and forgets it. It must use no object.
Status ForgetOwner(Database *database, int64_t owner);
// The same for an owner whose uses are to stay: it is retired in that boot, under another uuid.
Status RetireOwner(Database *database, int64_t owner, int64_t boot, size_t uses);
// One that is retired from the beginning, for uses of an owner that goes on.
Result<int64_t> EnterRetiredOwner(Database *database, const LabelOwner &owner, int64_t boot,
                                  size_t uses);
// How many there are, and how many uses they have.
struct RetiredCount {
  int64_t owners = 0, uses = 0;
};
Result<RetiredCount> CountRetired(Database *database);
// One that has no uses any more. It has neither labels nor holders.
Status ForgetRetiredOwner(Database *database, int64_t owner);
// Those retired in boots before that of this number, all for 0; or in just that one.
Result<std::vector<OwnerRow>> RetiredBefore(Database *database, int64_t boot);
Result<std::vector<OwnerRow>> RetiredIn(Database *database, int64_t boot);

// In place of what was begun before; gives its id.
Result<int64_t> BeginWork(Database *database, int64_t owner, WorkKind kind,
                          const ProcessId &process);
Status EndWork(Database *database, int64_t owner);

// ---- Holders

// A process that holds an owner's labels.
struct Holder {
  ProcessId process;
  HolderRole role = HolderRole::kProcess;
};
// In place of a provisional one of the same process.
Status AddHolderRow(Database *database, int64_t owner, const ProcessId &process, HolderRole role);
Status DropProvisionalHolders(Database *database, int64_t owner);
// self is about to start the owner no more, or has started it.
Status DropOwnHoldRow(Database *database, int64_t owner, const ProcessId &self);
// Those that still run.
Result<std::vector<Holder>> RunningHolders(Database *database, int64_t owner);

// ---- Labels

// In the order of their models' names.
Result<std::vector<HeldLabel>> LabelsOf(Database *database, int64_t owner);
Result<std::optional<HeldLabel>> FindLabel(Database *database, int64_t owner,
                                           const std::string &model);
// In place of what the owner has of the model.
Status EnterLabel(Database *database, int64_t owner, const HeldLabel &held);
Status DropLabel(Database *database, int64_t owner, const std::string &model);
// Which owner has which label.
Result<std::unordered_map<std::string, int64_t>> OwnersByLabel(Database *database,
                                                               const std::string &model,
                                                               const std::string &doi);
// Another owner with the same label, of a process or of objects.
struct Twin {
  int64_t owner = 0;
  bool is_unique = false;  // it is a dynamic one made of a number
};
Result<std::vector<Twin>> TwinsOfLabel(Database *database, const HeldLabel &held,
                                       const std::string &uuid);
Result<std::vector<Twin>> TwinsOfImageLabel(Database *database, const HeldLabel &held,
                                            const std::string &uuid);

// ---- Meta

// How often Registry::Seed was called.
Result<int64_t> TimesSeeded(Database *database);
Status CountSeed(Database *database);

}  // namespace svirt
