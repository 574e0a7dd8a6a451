// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/labels/label_store.h"
#include "host/util/process.h"
#include "host/util/result.h"
#include "host/util/sqlite.h"

namespace svirt {

// One object in the journal, under one model.
struct ObjectRow {
  int64_t id = 0;
  std::string model, path;
  ObjectId object;
  int64_t boot = 0;  // BootNumber at its last labelling
  OldLabel old;
  std::string label;
  std::optional<std::string> earlier_label;  // what it had just before that
};

// The columns of table object that ReadObject expects, in their order.
#define SVIRT_OBJECT_COLUMNS                                                            \
  "object.id, object.model, path, dev, ino, btime, object.boot, old_state, old_label, " \
  "object.label, earlier_label"
ObjectRow ReadObject(const Query &query);

// This boot of the host in the database, entered if it is not there.
Result<int64_t> BootNumber(Database *database, const std::string &boot_id);

struct Use {
  int64_t owner = 0;
  bool exclusive = false, keep = false;
  bool busy = false;  // a process that runs is giving the object its old label back
};
Result<std::vector<Use>> FindUses(Database *database, int64_t object);

// What a process is doing to objects of an owner; the values stand in the database.
enum class WorkKind { kApply = 0, kUndo = 1, kUndoAll = 2 };
struct Work {
  int64_t id = 0;
  WorkKind kind = WorkKind::kApply;
  ProcessId process;
};
// nullopt: nobody is at work on them.
Result<std::optional<Work>> FindWork(Database *database, int64_t owner);
// In place of what was begun before; gives its id.
Result<int64_t> BeginWork(Database *database, int64_t owner, WorkKind kind,
                          const ProcessId &process);
Status EndWork(Database *database, int64_t owner);

// Waits, within bounds, for another process that is giving an object its old label back.
class BusyWait {
 public:
  // kConflict once it has taken too long.
  Status Pause(const std::string &domain);

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace svirt
