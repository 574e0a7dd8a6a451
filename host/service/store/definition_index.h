// SPDX-License-Identifier: LGPL-2.1-or-later
// A file that tells the names of all defined domains without opening their definitions.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "host/util/result.h"

namespace svirt {

// What tells one state of a file from all later ones, unless it was as young as its file system's
// clock is coarse when it was looked at.
struct FileMark {
  uint64_t ino = 0;
  int64_t size = 0, mtime = 0, ctime = 0;  // times in nanoseconds

  // nullopt: it is too young.
  static std::optional<FileMark> Of(const struct stat &file);
  bool operator==(const FileMark &) const = default;
};

// Never the last word: definitions are files that people copy, restore and edit, and a crash may
// lose what was written here last. A row holds as long as the definition has the mark in it; one
// without a mark, or with another one, is a guess that the definition itself has to confirm. What
// is not here has to be looked for.
class DefinitionIndex {
 public:
  struct Row {
    std::string name, type;
    std::optional<FileMark> mark;
    bool operator==(const Row &) const = default;
  };
  using Rows = std::map<std::string, Row, std::less<>>;  // by uuid

  // One that cannot be read, or is damaged, is empty.
  static DefinitionIndex Read(const std::string &file);
  // Not synced: it may be lost, as long as it is not believed.
  Status Write(const std::string &file) const;

  // nullptr: not here.
  const Row *Find(std::string_view uuid) const;
  // nullopt: no domain has that name, or more than one.
  std::optional<std::string> UuidOf(std::string_view name) const;
  void Set(const std::string &uuid, Row row);

  bool operator==(const DefinitionIndex &) const = default;

 private:
  Rows rows_;
};

}  // namespace svirt
