// SPDX-License-Identifier: LGPL-2.1-or-later
// The mounts that this process sees: which kind of file system an object is on, and by which other
// paths it can be reached.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/util/result.h"

namespace svirt {

struct Mount {
  uint64_t id = 0;
  std::string device;  // "8:1"; the same for all mounts of one file system
  std::string root;    // what of the file system is mounted
  std::string point;   // where
  std::string type;    // "ext4", "proc"
};

class MountTable {
 public:
  // file: in the form of proc_pid_mountinfo(5).
  static Result<MountTable> Read(const std::string &file = "/proc/self/mountinfo");
  static Result<MountTable> Parse(std::string_view text);

  // nullptr: there is none of that number.
  const Mount *Find(uint64_t id) const;
  // The other paths of what has this path in the mount: where the same part of the file system is
  // mounted as well, whatever is mounted on top of it.
  std::vector<std::string> OtherPaths(const Mount &mount, const std::string &path) const;
  const std::vector<Mount> &all() const { return mounts_; }
  // Those in a directory and further below it.
  std::vector<const Mount *> Below(std::string_view directory) const;

 private:
  std::vector<Mount> mounts_;
};

// Is path the directory, or below it? Both are absolute and without a slash at the end ("/" aside).
bool IsWithin(std::string_view path, std::string_view directory);

}  // namespace svirt
