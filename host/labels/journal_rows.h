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
  std::string boot_id;  // of its last labelling
  OldLabel old;
  std::string label;
  std::optional<std::string> earlier_label;  // what it had just before that
  std::optional<ProcessId> busy;             // who is giving it its old label back
};

// The columns of table object that ReadObject expects, in their order.
#define SVIRT_OBJECT_COLUMNS                                                               \
  "object.id, object.model, path, dev, ino, btime, object.boot_id, old_state, old_label, " \
  "object.label, earlier_label, busy_boot_id, busy_pid, busy_start_time"
ObjectRow ReadObject(const Query &query);

struct Use {
  int64_t owner = 0;
  bool exclusive = false, keep = false;
};
Result<std::vector<Use>> FindUses(Database *database, int64_t object);

// Waits, within bounds, for another process that is giving an object its old label back.
class BusyWait {
 public:
  // kConflict once it has taken too long.
  Status Pause(const std::string &domain);

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace svirt
