// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's memory of labels: the registry and the journal, in one database.
#pragma once

#include <memory>
#include <string>

#include "host/labels/store/journal.h"
#include "host/labels/store/label_database.h"
#include "host/labels/store/registry.h"
#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// One SQLite database in write-ahead mode, shared by every process of the host; a label and its
// journal change in one transaction.
//
// What the journal records of objects waits for the disk, and so does a pin. The rest is ordered
// behind it: what a power failure can take away is the memory of processes that it has ended too,
// or of an undo, which repeated finds nothing to do.
//
// Any thread may call. Not across fork.
class LabelStore {
 public:
  using Options = LabelDatabase::Options;
  static Result<std::unique_ptr<LabelStore>> Open(Options options);

  Registry &registry() { return registry_; }
  Journal &journal() { return journal_; }

  // Names this host in what other hosts read; the same as long as its machine id is, which could
  // not be read if this is an error.
  Result<std::string> HostName() const;

  // Held while an entry on an object is read and changed: processes that add theirs at the same
  // time must not undo each other's. Errc::kConflict: somebody does not let go of it.
  Result<Fd> LockEntries();

 private:
  explicit LabelStore(std::unique_ptr<LabelDatabase> database)
      : database_(std::move(database)), registry_(database_.get()), journal_(database_.get()) {}

  std::unique_ptr<LabelDatabase> database_;
  Registry registry_;
  Journal journal_;
};

}  // namespace svirt
