// SPDX-License-Identifier: LGPL-2.1-or-later
// The nouns that all rooms of labels/ share: owners, labels, objects, and what a journal says of
// them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "host/domain/seclabel.h"
#include "host/labels/index_runs.h"
#include "host/util/process.h"

namespace svirt {

// A domain as the registry knows it.
struct LabelOwner {
  std::string uuid, name, virt_type;
};

// What a domain needs from the registry for one model.
struct LabelRequest {
  std::string model, doi;
  SecLabel::Type type = SecLabel::Type::kDynamic;  // or kStatic
  std::string label;                               // static: the label itself
  // Dynamic: the indexes to choose one from. Static: those it takes, all of them. Empty: the label
  // is no matter of numbers, and only entered.
  IndexRuns runs;
};

// A label entered for a domain.
struct HeldLabel {
  std::string model, doi;
  SecLabel::Type type = SecLabel::Type::kDynamic;
  std::optional<uint64_t> index;
  std::string label, image_label;  // "" until Record has told them
  // No other domain may have the same one. Of those that Record is given.
  bool unique = false, unique_image = false;
};

// Who asked that a domain's labels stay without a process. The values are in the database.
enum class PinnedFor { kCaller = 1, kHypervisor = 2 };

// What a process that holds a domain's labels is to it.
enum class HolderRole {
  kProcess,   // it bears them
  kStarting,  // it is just starting the domain, and none of its processes
  kKeeper,    // process 1 of the namespace of one that bears them, and bears none itself
};

// Is the domain being handed to, or from, another host? The values are in the database.
enum class HandoverState {
  kNone = 0,
  kOutgoing = 1,  // until it is known which host keeps it, its end changes no label
  kIncoming = 2,  // what was entered for it is the other host's until it is known
  kGone = 3,      // its end here changes no label; the other host has the old ones
};

// What the registry knows of a domain.
struct OwnerState {
  LabelOwner owner;
  bool pinned = false;  // or outgoing, or incoming
  HandoverState handover = HandoverState::kNone;
  bool in_hypervisor = false;  // pinned for a hypervisor: it can be asked whether that has it still
  // That still run; their keepers, and another one that is just starting it, too.
  std::vector<ProcessId> processes;
  std::vector<ProcessId> keepers;  // those of them that are keepers

  // Those that bear its labels, or are about to.
  std::vector<ProcessId> Programs() const {
    std::vector<ProcessId> programs;
    std::ranges::copy_if(processes, std::back_inserter(programs), [this](const ProcessId &process) {
      return std::ranges::find(keepers, process) == keepers.end();
    });
    return programs;
  }
  // This very process is just starting it, or has given up without saying so (DropOwnHold): the
  // hold keeps others off, but nothing runs in it.
  bool own_hold = false;
  std::vector<HeldLabel> labels;
  int64_t objects = 0;  // in its journal; a directory with all that is below it counts as one
  // A process ended in the middle of work on some of them; UndoScope::interrupted is about these.
  bool interrupted = false;

  // Does anything keep the labels?
  bool IsLive() const { return pinned || own_hold || !processes.empty(); }
};

// How far the store had come at one moment.
struct StoreMark {
  int64_t restored = 0;      // number of times that objects got their old labels back (Restored)
  int64_t seeded = 0;        // number of calls of Seed
  bool has_foreign = false;  // Seed has entered labels that no domain here holds
};

// A label borne by processes of which the registry may know nothing.
struct ForeignLabel {
  std::string label;
  IndexRuns runs;  // indexes it takes
  std::vector<ProcessId> processes;
};

// Identity of a file system object that survives renames and, btime being known, tells it from
// every later object with its inode number.
struct ObjectId {
  uint64_t dev = 0, ino = 0;
  int64_t btime = 0;  // ns since the epoch; 0: the file system does not say

  bool operator==(const ObjectId &) const = default;
  bool operator<(const ObjectId &other) const {
    return std::tie(dev, ino, btime) < std::tie(other.dev, other.ino, other.btime);
  }
};

// What stood in the place of an object's label. The values of State are in the database.
struct OldLabel {
  enum class State { kPresent = 0, kAbsent = 1, kUnsupported = 2 };
  State state = State::kAbsent;
  std::string label;

  bool operator==(const OldLabel &) const = default;
};

// How much of the file system one use is about. The values are in the database.
enum class Extent {
  kObject = 0,
  kTree = 1,   // a directory with all that is below it
  kWhole = 2,  // and all of that was labelled, to stay like that
  kEntry = 3,  // an entry of the domain's own on the object, beside those of others
};

// A change of one object's label (or a use of it, where the model changes nothing).
struct JournalItem {
  std::string model;
  std::string path;  // without symbolic links
  ObjectId id;
  OldLabel old;
  std::string label;
  bool exclusive = false;  // no other domain may use it meanwhile
  bool keep = false;       // stays labelled when its last domain stops
  bool away = false;       // another host gives it its old label back
  // It is below the directory that is the nearest item before it of which this is not true.
  bool below = false;
  // What it had before another host labelled it, and what that gave it: its old label as long as it
  // bears that.
  struct Remembered {
    OldLabel old;
    std::string label;
  };
  std::optional<Remembered> remembered = std::nullopt;
  bool marked = false;  // it gets a mark for other hosts (label_mark.h)
  // Nobody but the domain gives objects the label: what bears it already, below the directory, was
  // made by the domain itself, and its old label is the directory's.
  bool inherits = false;
  // kWhole: IsWhole is true, and nothing that is below it is among the items.
  Extent extent = Extent::kObject;
};

// What Record made of one item.
struct Recorded {
  int64_t object = 0;                   // its number among the domain's
  bool fresh = false;                   // the domain did not use the object before
  std::optional<std::string> previous;  // the label this domain gave it before, if another
  OldLabel old;                         // what it is to be given back one day
};

// An object to be given its old label back.
struct UndoItem {
  int64_t object = 0;  // its number among the domain's
  std::string model, path;
  ObjectId id;
  OldLabel old;
  std::string label;  // the one this host gave it
  // What it had just before that; a crash may have come between the journal and the label.
  std::optional<std::string> earlier_label;
  // The object was labelled before the host's last boot: its device number may have changed.
  bool earlier_boot = false;
  // The label is nobody else's, and may be on more than there was below this directory.
  bool own_tree = false;
  bool is_entry = false;     // an entry on it is taken off or put back, not its label
  bool marked = false;       // it may have a mark of this host (label_mark.h)
  bool keeps_label = false;  // the mark is all that is taken off
};

// What has to be done to give a domain's objects their old labels back.
struct UndoList {
  std::vector<UndoItem> items;
  LabelOwner owner;       // uuid "": not known
  bool outgoing = false;  // UndoScope::stop: it is being handed over, and nothing was begun
  std::vector<HeldLabel> labels;
};

// What became of the items of an UndoList.
struct UndoOutcome {
  std::vector<const UndoItem *> lasting;  // done, and nothing takes it back
  std::vector<const UndoItem *> done;     // done, but a power failure might take it back
  std::vector<const UndoItem *> failed;
};

// A domain that has ended, or a part of one, whose objects were given back and might lose that in a
// power failure.
struct RetiredOwner {
  int64_t id = 0;  // for ForgetRetired
  // Device numbers of the file systems, each with the path of an object on it; 0: the number is not
  // known any more since the machine has booted.
  std::vector<std::pair<uint64_t, std::string>> devices;
};

// One of an earlier boot, whose objects may have lost what they were given back.
struct LostOwner {
  std::string uuid, virt_type;
  std::vector<std::string> models;
};

// An object with the image label that a model makes of an index, and no domain here that gave it to
// it: the label database was lost, or what it remembered was not the object's own label.
struct BorneLabel {
  std::string model, doi;
  uint64_t index = 0;
  std::string label, path;
  ObjectId id;
  bool earlier_boot = false;  // it was seen before the host's last boot; see UndoItem
};

// Who keeps an index from being given out.
enum class IndexHolder { kNobody, kObjects, kOwner };

// Which of the owner's objects an undo is about.
struct UndoScope {
  std::optional<std::vector<int64_t>> only;  // these; nullopt: all
  std::vector<int64_t> except;               // but not these
  std::vector<int64_t> except_below;         // nor what is below these directories
  bool even_kept = false;    // also those that would keep their label at a normal stop
  bool even_whole = false;   // also directories that are whole, and what is below them
  bool interrupted = false;  // those that a process which has ended left half done
  // The domain is to end by this: kConflict while another process of it runs.
  bool stop = false;
};

}  // namespace svirt
