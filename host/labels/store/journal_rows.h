// SPDX-License-Identifier: LGPL-2.1-or-later
// The tables use, restored and boot of the label database: all their SQL. What changes something
// needs a Transaction around it.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/labels/store/registry_rows.h"
#include "host/labels/types.h"
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
  std::optional<int64_t> work;  // the one that it is part of

  bool is_entry() const { return extent == Extent::kEntry; }
};

// What is below directory number N has the numbers from N * kBelow on: one range of the table.
constexpr int64_t kBelow = int64_t{1} << 32;
constexpr int64_t kLastNumber = std::numeric_limits<int64_t>::max();  // that no use has

// ---- Uses of an object

// With the process that is giving the object its old label back, if there is one.
struct UseOfObject {
  Use use;
  std::optional<ProcessId> undoing;
};
// All uses of the item's object that are not retired, under every model. boot: this boot's number.
Result<std::vector<UseOfObject>> UsesOfObject(Database *database, const JournalItem &item,
                                              int64_t boot);
// All uses of the object under the model are told that it may bear a mark of this host.
Status MarkUses(Database *database, const ObjectId &object, const std::string &model);

// ---- Uses of an owner

// With the word whether another owner uses the object too, under the same model, so that the label
// on it is not one's own alone. Entries never are: each has its own.
struct UseOfOwner {
  Use use;
  bool is_shared = false;
};
// Calls take for those numbered from first to before end, the last one first.
Status ForEachUse(Database *database, int64_t owner, int64_t first, int64_t end,
                  const std::function<void(UseOfOwner)> &take);
Result<bool> HasUses(Database *database, int64_t owner);
// A directory with all that is below it counts as one.
Result<int64_t> CountObjects(Database *database, int64_t owner);
// Looks at each.
Result<int64_t> CountUses(Database *database, int64_t owner);
// The largest number from first to before end; nullopt: there is none.
Result<std::optional<int64_t>> LargestNumber(Database *database, int64_t owner, int64_t first,
                                             int64_t end);
// Directories that are whole and not another host's to restore, in ascending order.
Result<std::vector<int64_t>> WholeDirectories(Database *database, int64_t owner);
Result<OldLabel> OldLabelOf(Database *database, int64_t owner, int64_t number);

Status InsertUse(Database *database, const Use &use);
// What another labelling of the object changes; its old label, and since when it is kept or another
// host's, stays.
Status UpdateUse(Database *database, const Use &use);
Status DropUse(Database *database, int64_t owner, int64_t number);
// The same, for the sake of somebody else: the directory that it is below is whole no more.
Status GiveUpUse(Database *database, int64_t owner, int64_t number);
Status DropUses(Database *database, int64_t owner);
Status DropRetiredUses(Database *database, int64_t owner);
Status DropUsesOfWork(Database *database, int64_t owner, int64_t work);
// They are retired: no look for uses of an object finds them.
Status RetireUses(Database *database, int64_t owner);
// The same, under another owner, who has none yet.
Status RetireUsesOfWork(Database *database, int64_t owner, int64_t work, int64_t to);
Status RetireUse(Database *database, int64_t owner, int64_t number, int64_t to);
Result<std::vector<std::string>> ModelsOfUses(Database *database, int64_t owner);
// A path of some object for each device number that uses of the owner name; 0: of an earlier boot.
Result<std::vector<std::pair<uint64_t, std::string>>> DevicesOfUses(Database *database,
                                                                    int64_t owner, int64_t boot);
// Everything below the directory bears its label now, to stay like that.
Status SetWholeRow(Database *database, int64_t owner, int64_t directory);
// The use is part of the work, and as a directory whole no more.
Status HandOutUse(Database *database, int64_t owner, int64_t number, int64_t work);
Status SetAway(Database *database, int64_t owner, bool away);

// ---- Restored
// A row for each of the last times that objects got their old labels back, with the bits of these
// objects: one bit of 64 per object, so that some others have the same.

constexpr uint64_t kAllObjects = ~uint64_t{0};
uint64_t ObjectBit(const ObjectId &id);
// The number of the last time; 0: there was none.
Result<int64_t> LastRestored(Database *database);
Status EnterRestored(Database *database, uint64_t objects);

// Which objects may have got their old labels back after a StoreMark.
class RestoredSince {
 public:
  static Result<RestoredSince> Read(Database *database, int64_t time);
  bool MayHave(const ObjectId &id) const { return (objects_ & ObjectBit(id)) != 0; }

 private:
  explicit RestoredSince(uint64_t objects) : objects_(objects) {}
  uint64_t objects_;
};

// ---- Boots

// This boot of the host in the database; 0: it has labelled nothing.
Result<int64_t> KnownBoot(Database *database, const std::string &boot_id);
// Entered if it is not there.
Result<int64_t> BootNumber(Database *database, const std::string &boot_id);

}  // namespace svirt
