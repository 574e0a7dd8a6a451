// SPDX-License-Identifier: LGPL-2.1-or-later
// The journal: which objects a domain uses, and what their labels were before.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/labels/store/label_database.h"
#include "host/labels/types.h"
#include "host/util/result.h"

namespace svirt {

// Any thread may call. Record with items, and SetHandover, wait for the disk.
class Journal {
 public:
  explicit Journal(LabelDatabase *database) : database_(database) {}

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

  // How many those are, with all that is below directories; looks at each.
  Result<int64_t> CountUsesOf(const std::string &uuid);

  // Is the object's label a domain's, under the item's model?
  Result<bool> IsUsed(const JournalItem &item);
  // Does this one use the object, under whatever model?
  Result<bool> IsUsedBy(const std::string &uuid, const JournalItem &item);

  // Why Record would refuse the item, in a sentence; "" if it would not. Changes nothing.
  Result<std::string> FindConflict(const std::string &uuid, const JournalItem &item);

  // Takes the owner off objects that others use or that keep their label, and hands out the rest:
  // nobody else can record a use of these until FinishUndo.
  Result<UndoList> BeginUndo(const std::string &uuid, const UndoScope &scope);
  // Of what BeginUndo handed out: what lasts is forgotten; what is done is kept under a retired
  // owner, which holds no label; what failed stays in the journal. release: if the owner has no
  // other object left, its labels are given back, and it is forgotten. true: so much is kept for
  // retired owners by now that it is worth while to sync file systems for them.
  Result<bool> FinishUndo(const std::string &uuid, const UndoOutcome &outcome, bool release);

  // Retired owners of earlier boots, by the uuids that BeginUndo takes: their objects may have lost
  // what they were given back.
  Result<std::vector<LostOwner>> Lost();
  // Those of this boot.
  Result<std::vector<RetiredOwner>> Retired();
  // Their objects cannot lose it any more.
  Status ForgetRetired(const std::vector<RetiredOwner> &owners);

  // kNone from kIncoming: all that was entered for it is this host's now. kGone: none is any more.
  Status SetHandover(const std::string &uuid, HandoverState state);

 private:
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

  LabelDatabase *database_;
  // Nothing that is retired from now on is of an earlier boot.
  std::atomic<bool> has_none_lost_ = false;
};

}  // namespace svirt
