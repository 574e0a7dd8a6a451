// SPDX-License-Identifier: LGPL-2.1-or-later
// Creates and opens the file of the label database.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "host/util/result.h"
#include "host/util/sqlite.h"

namespace svirt {

// Creates directory (mode 0700) and labels.db in it (0600) as far as they are missing, and gives
// the file's path without symbolic links. Refuses a file that others may write.
Result<std::string> PrepareStoreFile(const std::string &directory);

// Beside the database: held while entries on objects are changed, and while a format is migrated.
inline constexpr const char *kStoreLock = "entries.lock";

// A connection to the label database, its tables made or checked. An older format is brought to
// this one, after a copy was made as labels.db.format-NUMBER. A file of a newer svirt, or one that
// is no label database, is refused and not touched.
Result<std::unique_ptr<Database>> ConnectStore(const std::string &path,
                                               const Database::Options &options);

}  // namespace svirt
