// SPDX-License-Identifier: LGPL-2.1-or-later
// Who could have put a file where it is: directories and files are opened once, judged by owner and
// mode from the descriptor, and used through that descriptor ever after.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// Tells one content of one file from every other.
struct FileIdentity {
  uint64_t device = 0, inode = 0, size = 0;
  int64_t modified_ns = 0, changed_ns = 0;

  // Has nobody written to it? The time of its last change is no matter: a file that another one
  // takes the place of by renaming, as in every upgrade, changes that, and not its content.
  bool SameContent(const FileIdentity &other) const {
    return device == other.device && inode == other.inode && size == other.size &&
           modified_ns == other.modified_ns;
  }
  bool operator==(const FileIdentity &) const = default;
};

FileIdentity IdentityOf(const struct stat &status);

// Now, in nanoseconds by the clock of changed_ns, and how long after a change the clock of a file
// system may not tell the next one from it.
int64_t FileClockNow();
inline constexpr int64_t kFileClockTicks = 50'000'000;

// What was opened, and whether it may be trusted. What may not be is open all the same if that was
// possible, so that it can be named and looked into, but never run.
struct Opened {
  Fd fd;                  // unset: it could not be opened, or does not exist
  struct stat status {};  // valid if fd is set; of a file that could be examined at least, too
  Status verdict;         // the sentence has no subject: "directory X is group-writable ..."
};

// Opens the directory, going down from trusted_root one component at a time without following
// symbolic links. Each one, trusted_root included, has to belong to root (or to the effective user
// of an unprivileged process) and be writable by its owner only; the sticky bit is no excuse. Both
// paths are absolute and without ".."; a path that is not below trusted_root is checked from /.
// A directory that does not exist is no error: fd is unset then.
Opened OpenTrustedDirectory(const std::string &path, const std::string &trusted_root);

// Opens one file of a directory for reading. It has to be a regular file under the same rules of
// owner and mode, of at most max_bytes, and not the running program. Never blocks. path is for the
// sentence only.
Opened OpenTrustedFile(int directory, const std::string &name, const std::string &path,
                       uint64_t max_bytes);

// The same rules for a descriptor that has been handed in.
Opened JudgeFile(Fd file, const std::string &path, uint64_t max_bytes);

// Names in the directory that match svirt-[a-z0-9-]+.so, in byte order; an error if there are more
// than max_count. wanted: names to look for besides. None is missed because a file is renamed to it
// at the same time.
Result<std::vector<std::string>> ListPluginNames(int directory, size_t max_count,
                                                 const std::vector<std::string> &wanted = {});

bool IsPluginFileName(std::string_view name);

// What a plugin's file has to be called: svirt-MODEL.so.
std::string PluginFileName(std::string_view model);

// MODEL of a name that is such a name.
std::string ModelOfFileName(std::string_view name);

// Absolute, and without a ".." component.
bool IsPlainAbsolutePath(std::string_view path);

}  // namespace svirt
