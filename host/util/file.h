// SPDX-License-Identifier: LGPL-2.1-or-later
// Whole files: read at once, and replaced so that nobody sees half of one.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "host/util/result.h"

namespace svirt {

// The whole content of a regular file, pipe or /proc file; more than limit bytes is an error.
Result<std::string> ReadFile(const std::string &path, size_t limit);

// The same of a regular file and nothing else, without waiting for anybody.
Result<std::string> ReadRegularFile(const std::string &path, size_t limit);

// What a crash of the machine may leave of a file that is being replaced.
enum class Durability {
  kSynced,  // the old or the new one, and the new one for certain once the call has returned
  kNone,    // anything
};

// Replaces path by a file with this content: written beside it, synced, renamed. Readers see the
// old or the new one. One writer of a path at a time.
Status WriteFileAtomic(const std::string &path, std::string_view content, mode_t mode,
                       Durability durability = Durability::kSynced);

// What WriteFileAtomic writes first. After a crash it is left, until the next one.
std::string UnfinishedFile(const std::string &path);

// Makes the directory and its missing ancestors, mode 0755, the last one with mode. An existing
// one is left as it is.
Status MakeDirectories(const std::string &path, mode_t mode);

}  // namespace svirt
