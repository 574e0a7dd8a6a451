// SPDX-License-Identifier: LGPL-2.1-or-later
// The label database: who has which label, and what each object had before.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "host/domain/seclabel.h"
#include "host/labels/index_runs.h"
#include "host/util/fd.h"
#include "host/util/process.h"
#include "host/util/result.h"
#include "host/util/sqlite.h"

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
  // That still run; another one that is just starting it, too.
  std::vector<ProcessId> processes;
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

// What stood in the place of an object's label.
struct OldLabel {
  enum class State { kPresent, kAbsent, kUnsupported };
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

// The host's memory of labels: which are in use by whom (the registry), and what the labels of
// objects were before (the journal). One SQLite database in write-ahead mode, shared by every
// process of the host; a label and its journal change in one transaction.
//
// A domain is alive while it is pinned or one of its processes runs. What a dead domain holds
// blocks nobody, but its indexes stay reserved as long as objects bear its labels.
//
// Only Record with items waits for the disk. The rest is ordered behind it: what a power failure
// can take away is the memory of processes that it has ended too, or of an undo, which repeated
// finds nothing to do.
//
// Any thread may call. Not across fork.
class LabelStore {
 public:
  struct Options {
    std::string directory;  // made with mode 0700 if it is missing; its parent must exist
    // Plans only: nothing is created, and without a database all labels are free.
    bool read_only = false;
    std::chrono::milliseconds busy_timeout{10000};
    // Tells hosts apart: each begins to number at a place of its own, so that hosts which share
    // storage seldom pick the same label.
    std::string machine_id_file = "/etc/machine-id";
  };
  static Result<std::unique_ptr<LabelStore>> Open(Options options);
  ~LabelStore();
  LabelStore(const LabelStore &) = delete;
  LabelStore &operator=(const LabelStore &) = delete;

  // Names this host in what other hosts read; the same as long as its machine id is, which could
  // not be read if this is an error.
  Result<std::string> HostName() const;

  // ---- Registry

  // Reserves what is asked for, with this process as the provisional holder. The same owner asking
  // again is given the same. kExhausted: all are taken. kConflict: another domain holds (part of)
  // it. kExists: the owner holds something else for this model.
  Result<std::optional<uint64_t>> Acquire(const LabelOwner &owner, const LabelRequest &request);

  // What Acquire would answer now, if the indexes in avoid were taken too. Changes nothing.
  Result<std::optional<uint64_t>> Peek(const LabelOwner &owner, const LabelRequest &request,
                                       const IndexRuns &avoid);

  Result<StoreMark> Mark();
  // Replaces what is known of foreign processes' labels in the space of model and doi. A label that
  // a domain holds makes its processes holders of the domain. before: from before the processes
  // were looked at; if another one has seeded since, with what it may have seen later, what it
  // entered stays while its processes run. If not, this call is counted in before.
  Status Seed(const std::string &model, const std::string &doi,
              const std::vector<ForeignLabel> &labels, StoreMark *before = nullptr);

  // process now bears the domain's labels; provisional holders are dropped.
  Status AddHolder(const std::string &uuid, const ProcessId &process);
  // The labels stay without a process until they are given back; provisional holders are dropped.
  Status Pin(const std::string &uuid, PinnedFor whom = PinnedFor::kCaller);

  // Of what Acquire and Record began: this process is not starting the domain, or not any more.
  // What it holds besides stays.
  Status DropOwnHold(const std::string &uuid);

  // kNone from kIncoming: all that was entered for it is this host's now. kGone: none is any more.
  Status SetHandover(const std::string &uuid, HandoverState state);

  // nullopt: not known. labels in the order of their models' names. mark: of the same moment.
  Result<std::optional<OwnerState>> Describe(const std::string &uuid, StoreMark *mark = nullptr);
  // Every domain known here, by uuid in byte order.
  Result<std::vector<std::string>> Owners();

  // ---- Journal

  // Durably enters the owner's labels, and items: their old labels, and that it uses them. An
  // object in use already keeps the old label that was recorded first. before: from before the old
  // labels were read; if an object may have got its own back since, what stands in the item's old
  // may be a label of ours, and is asked again from reread (by the item's place; inside the
  // transaction, so it must be quick).
  // kConflict: another living domain uses an object in another way; of a domain that lives nothing
  // is entered then. kRefused: another domain has a label that would have to differ.
  // unsettled: if this process ends before Settle, the domain's uses of objects that it did not use
  // before count as left half done, although it lives.
  Result<std::vector<Recorded>> Record(const LabelOwner &owner,
                                       const std::vector<HeldLabel> &labels,
                                       const std::vector<const JournalItem *> &items,
                                       const StoreMark &before, bool unsettled,
                                       const std::function<Result<OldLabel>(size_t)> &reread);
  // What was recorded has been labelled.
  Status Settle(const std::string &uuid);

  // Was everything below the directory labelled, to stay like that, for the same domain, model and
  // label? Then it is so still, but for what others have put there since.
  Result<bool> IsWhole(const std::string &uuid, const JournalItem &directory);
  // It has been, for directories that Record has entered: what it has entered for them stays when
  // the domain stops, and so do the domain's labels.
  Status SetWhole(const std::string &uuid, const std::vector<int64_t> &directories);

  // What the domain uses, in the order of labelling. What other domains here use as well is theirs
  // to give back: keep.
  Result<std::vector<JournalItem>> Uses(const std::string &uuid);

  // Held while an entry on an object is read and changed: processes that add theirs at the same
  // time must not undo each other's. Errc::kConflict: somebody does not let go of it.
  Result<Fd> LockEntries();

  // Is the object's label a domain's, under the item's model?
  Result<bool> IsUsed(const JournalItem &item);
  // Does this one use the object, under whatever model?
  Result<bool> IsUsedBy(const std::string &uuid, const JournalItem &item);

  // Why Record would refuse the label, in a sentence; "" if it would not. Changes nothing.
  Result<std::string> FindClash(const LabelOwner &owner, const HeldLabel &held);
  // The same for an item.
  Result<std::string> FindConflict(const std::string &uuid, const JournalItem &item);

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
  // Takes the owner off objects that others use or that keep their label, and hands out the rest:
  // nobody else can record a use of these until FinishUndo.
  Result<UndoList> BeginUndo(const std::string &uuid, const UndoScope &scope);
  // Of what BeginUndo handed out: done is forgotten, failed stays in the journal. release: if the
  // owner has no object left, its labels are given back, and it is forgotten.
  Status FinishUndo(const std::string &uuid, const std::vector<const UndoItem *> &done,
                    const std::vector<const UndoItem *> &failed, bool release);

 private:
  class Connection;
  class Writing;
  LabelStore(Options options, ProcessId self)
      : options_(std::move(options)), self_(std::move(self)) {}
  Result<std::unique_ptr<Database>> OpenDatabase() const;
  std::unique_lock<std::mutex> TryTurn();
  Result<Connection> Connect();
  Result<Writing> Write();
  // Items that are entered in one transaction.
  struct Batch {
    size_t first = 0, end = 0;
    int64_t directory = 0;  // the number of the one that the first item may be below
  };
  // Makes recorded as long as the batch reaches. false: an object is busy.
  Result<bool> TryRecord(const LabelOwner &owner, const std::vector<HeldLabel> &labels,
                         const std::vector<const JournalItem *> &items, const StoreMark &before,
                         bool unsettled, const std::function<Result<OldLabel>(size_t)> &reread,
                         const Batch &batch, std::vector<Recorded> *recorded);
  // nullopt: another process is at work on the owner's objects.
  Result<std::optional<UndoList>> TryBeginUndo(const std::string &uuid, const UndoScope &scope);

  Options options_;
  ProcessId self_;
  std::string path_;
  uint64_t host_number_ = 0;
  Status machine_id_;  // could it be read?
  std::mutex turn_;    // of own_
  std::unique_ptr<Database> own_;
  std::mutex mutex_;  // of spare_
  std::vector<std::unique_ptr<Database>> spare_;
};

}  // namespace svirt
