// SPDX-License-Identifier: LGPL-2.1-or-later
// Remembers plugins that crashed or hung.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/loader/trust.h"
#include "host/util/result.h"

namespace svirt {

// Plugins that crashed or hung in the scanner, remembered across processes so that each start does
// not wait for them again. Entries are for one content of one file: replacing it, or touching it,
// ends its quarantine. So does deleting the quarantine file.
//
// A line is DEVICE INODE SIZE MTIME CTIME REASON, times in nanoseconds.
class Quarantine {
 public:
  // file "" remembers nothing.
  explicit Quarantine(std::string file) : file_(std::move(file)) {}

  // Reads the file anew. A file that somebody else could have written is not believed: he could
  // take any plugin out of the choice with it.
  Status Load();

  // Why the plugin is in quarantine, with how to end it.
  std::optional<std::string> Find(const FileIdentity &identity) const;

  // Appends one entry; processes may do so at the same time.
  Status Add(const FileIdentity &identity, const std::string &reason);

 private:
  struct Entry {
    FileIdentity identity;
    std::string reason;
  };

  std::string file_;
  std::vector<Entry> entries_;
};

}  // namespace svirt
