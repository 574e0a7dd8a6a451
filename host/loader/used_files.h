// SPDX-License-Identifier: LGPL-2.1-or-later
// The files on which it depends what a plugin is once it is loaded: the libraries that were mapped
// with it, and the places that decided which ones those were.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/loader/elf_image.h"
#include "host/loader/trust.h"

namespace svirt {

// "DEVICE INODE SIZE MTIME CTIME", times in nanoseconds, as in all files of the loader.
std::string FormatIdentity(const FileIdentity &identity);

// Takes an identity from the front of the text, and the blank behind it.
std::optional<FileIdentity> TakeIdentity(std::string_view *text);

// A file or directory by path.
struct UsedFile {
  std::string path;
  FileIdentity identity;  // of what the path leads to; all zero: of nothing
  bool operator==(const UsedFile &) const = default;
};

// "IDENTITY PATH", in one line.
std::string FormatUsedFile(const UsedFile &file);
std::optional<UsedFile> ParseUsedFile(std::string_view line);

// Of this process, in which the plugin has been loaded. nullopt: one of them cannot be told.
std::optional<std::vector<UsedFile>> FilesInUse(const ElfImage &plugin);

// What the path leads to now; all zero: nothing that could be told.
FileIdentity IdentityAt(const std::string &path);

}  // namespace svirt
