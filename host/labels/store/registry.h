// SPDX-License-Identifier: LGPL-2.1-or-later
// The registry: which label belongs to which domain, and which processes hold it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/labels/store/label_database.h"
#include "host/labels/types.h"
#include "host/util/result.h"

namespace svirt {

// A domain is alive while it is pinned or one of its processes runs. What a dead domain holds
// blocks nobody, but its indexes stay reserved as long as objects bear its labels.
//
// Any thread may call. Only Pin waits for the disk: see LabelStore.
class Registry {
 public:
  explicit Registry(LabelDatabase *database) : database_(database) {}

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

  // process now bears the domain's labels, or keeps one that does; provisional holders are dropped.
  Status AddHolder(const std::string &uuid, const ProcessId &process,
                   HolderRole role = HolderRole::kProcess);
  // The labels stay without a process until they are given back; provisional holders are dropped.
  Status Pin(const std::string &uuid, PinnedFor whom = PinnedFor::kCaller);

  // Of what Acquire and Record began: this process is not starting the domain, or not any more.
  // What it holds besides stays.
  Status DropOwnHold(const std::string &uuid);

  // What keeps the index: objects that bear its label; or a domain or process that is known here
  // and does not only wait to be forgotten.
  Result<IndexHolder> HolderOf(const std::string &model, const std::string &doi, uint64_t index);
  // Objects bear labels of indexes. What no owner holds of these is given out no more, but to who
  // asks for just that index.
  Status EnterBorne(const std::vector<BorneLabel> &objects);
  // The same for indexes of the owner's own, which it has just been given: they are its no more.
  Status YieldToBorne(const std::string &uuid, const std::vector<BorneLabel> &objects);
  Result<std::vector<BorneLabel>> Borne();
  // They bear them no more. An index that no other object is known to bear is free.
  Status DropBorne(const std::vector<BorneLabel> &objects);

  // nullopt: not known. labels in the order of their models' names. mark: of the same moment.
  Result<std::optional<OwnerState>> Describe(const std::string &uuid, StoreMark *mark = nullptr);
  // Every domain known here, by uuid in byte order.
  Result<std::vector<std::string>> Owners();

  // Why Record would refuse the label, in a sentence; "" if it would not. Changes nothing.
  Result<std::string> FindClash(const LabelOwner &owner, const HeldLabel &held);

 private:
  LabelDatabase *database_;
};

}  // namespace svirt
