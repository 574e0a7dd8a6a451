// SPDX-License-Identifier: LGPL-2.1-or-later
// Owners in the label database, for the files that implement LabelStore.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/labels/label_store.h"
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

// Who holds labels and objects: domains, and foreign processes. What changes something needs a
// Transaction around it.
struct OwnerRow {
  int64_t id = 0;
  LabelOwner owner;
  bool pinned = false;  // or outgoing, or incoming
  HandoverState handover = HandoverState::kNone;
  bool in_hypervisor = false;
  bool foreign = false;
  std::optional<Work> work;

  // "domain web (UUID)", "process 7, which no domain here owns"
  std::string Name() const;
};

Result<std::optional<OwnerRow>> FindOwner(Database *database, const std::string &uuid);
Result<OwnerRow> GetOwner(Database *database, int64_t id);
// Enters the owner, or its present name and type; self, this process, becomes its provisional
// holder.
Result<int64_t> EnterOwner(Database *database, const LabelOwner &owner, const ProcessId &self);

Status AddHolderRow(Database *database, int64_t owner, const ProcessId &process, bool provisional);
// A process that holds an owner's labels.
struct Holder {
  ProcessId process;
  bool provisional = false;  // it is just starting the owner, and none of its processes
};
// Those that still run.
Result<std::vector<Holder>> RunningHolders(Database *database, int64_t owner);
// Who holds an owner's labels, as process self sees it.
struct Holders {
  // The owner's processes, and whoever else is just starting it.
  std::vector<ProcessId> processes;
  bool own_hold = false;  // self holds the labels provisionally, and nothing runs in it
};
Result<Holders> HoldersSeenBy(Database *database, int64_t owner, const ProcessId &self);
// self is about to start the owner no more, or has started it.
Status DropOwnHoldRow(Database *database, int64_t owner, const ProcessId &self);
// In the order of their models' names.
Result<std::vector<HeldLabel>> LabelsOf(Database *database, int64_t owner);
// Pinned, foreign (those are only known while they run) or with a running process.
Result<bool> IsLive(Database *database, const OwnerRow &owner);

// In place of what was begun before; gives its id.
Result<int64_t> BeginWork(Database *database, int64_t owner, WorkKind kind,
                          const ProcessId &process);
Status EndWork(Database *database, int64_t owner);

// Gives back all indexes of the owner and forgets it. It must use no object.
Status ForgetOwner(Database *database, int64_t owner);
// The owner is dead and no object bears its labels.
Result<bool> IsForgettable(Database *database, const OwnerRow &owner);
// Forgets it then; true: it is gone.
Result<bool> ForgetIfDead(Database *database, const OwnerRow &owner);

}  // namespace svirt
