// SPDX-License-Identifier: LGPL-2.1-or-later
// Rows of the journal, for the files that implement LabelStore.
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

// An owner's use of one object under one model, as the journal has it.
struct Use {
  int64_t owner = 0;
  int64_t number = 0;  // among the owner's, in the order of labelling
  std::string model, path;
  ObjectId object;
  int64_t boot = 0;  // BootNumber at its last labelling
  OldLabel old;
  std::string label;
  std::optional<std::string> earlier_label;  // what it had just before that
  bool exclusive = false, keep = false, away = false;
  Extent extent = Extent::kObject;
  bool marked = false;

  bool is_entry() const { return extent == Extent::kEntry; }
};

// What is below directory number N has the numbers from N * kBelow on: one range of the table.
constexpr int64_t kBelow = int64_t{1} << 32;

// The columns of table use that ReadUse expects, in their order.
#define SVIRT_USE_COLUMNS                                                                    \
  "use.owner, number, model, path, dev, ino, btime, boot, old_state, old_label, use.label, " \
  "earlier_label, exclusive, keep, away, extent, marked"
constexpr int kUseColumns = 17;
Use ReadUse(const Query &query);
Status DropUse(Database *database, int64_t owner, int64_t number);
// The same, for the sake of somebody else: the directory that it is below is whole no more.
Status GiveUpUse(Database *database, int64_t owner, int64_t number);

// Does another owner use the object of the row of table use, too, under the same model, so that the
// label on it is not one's own alone? Entries (extent 3) always are.
#define SVIRT_IS_SHARED                                                                \
  "(use.extent<>3 AND EXISTS (SELECT 1 FROM use AS other WHERE other.ino=use.ino AND " \
  "other.btime=use.btime AND other.owner<>use.owner AND other.model=use.model AND "    \
  "other.extent<>3 AND " SVIRT_IS_SAME_OBJECT("other", "use.dev", "use.boot", "use.path") "))"

// Is the row of table use the object with these facts, inode number and time of birth being equal?
// After a boot the device number may be another one. Then the object is the same if its path or its
// device number is; without a time of birth it cannot be told.
#define SVIRT_IS_SAME_OBJECT(use, dev_is, boot_is, path_is)                                    \
  "(" use ".boot=" boot_is " AND " use ".dev=" dev_is " OR " use ".boot<>" boot_is " AND " use \
  ".btime<>0 AND (" use ".path=" path_is " OR " use ".dev=" dev_is "))"

// Table restored has a row for each of the last times that objects got their old labels back, with
// the bits of these objects: one bit of 64 per object, so that some others have the same.
constexpr int64_t kRestoredKept = 16;
constexpr uint64_t kAllObjects = ~uint64_t{0};
uint64_t ObjectBit(const ObjectId &id);

// Which objects may have got their old labels back after a StoreMark.
class RestoredSince {
 public:
  static Result<RestoredSince> Read(Database *database, int64_t time);
  bool MayHave(const ObjectId &id) const { return (objects_ & ObjectBit(id)) != 0; }

 private:
  explicit RestoredSince(uint64_t objects) : objects_(objects) {}
  uint64_t objects_;
};

// This boot of the host in the database, entered if it is not there.
Result<int64_t> BootNumber(Database *database, const std::string &boot_id);

// Waits, within bounds, for another process that is giving an object its old label back.
class BusyWait {
 public:
  // kConflict once it has taken too long.
  Status Pause(const std::string &domain);

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace svirt
