// SPDX-License-Identifier: LGPL-2.1-or-later
// Files as locks between processes, and who holds one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// Takes the lock for which the file stands, which is made, mode 0600, if it is not there. The lock
// is released with the descriptor, also when the process dies. Errc::kConflict, with who holds it
// since when, if it is not free within this time, or if the caller blocks a signal that ends a
// process, and one came meanwhile.
Result<Fd> LockFile(const std::string &path, std::chrono::milliseconds patience);

// What a process may hold of a file: a lock by flock(2), or one by fcntl(2), as SQLite does.
enum class LockKind { kFlock, kPosix };

struct LockHolder {
  pid_t pid = -1;
  std::string command;  // its arguments, empty if this user may not see them
  bool is_stopped = false;

  // "process 12 (svirt start vm)", with how to let it go on if it is stopped.
  std::string Describe() const;
};

// The process that holds such a lock on the file for writing: another one, or for kFlock this one,
// too. nullopt if that cannot be told.
std::optional<LockHolder> FindLockHolder(const std::string &path, LockKind kind);

}  // namespace svirt
