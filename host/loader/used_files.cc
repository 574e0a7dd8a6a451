// SPDX-License-Identifier: LGPL-2.1-or-later
// Which files a loaded plugin depends on, and how one is written down.
#include "host/loader/used_files.h"

#include <link.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include <charconv>

#include "host/util/text.h"

namespace svirt {
namespace {

// Where the linker finds a library by its soname.
constexpr const char *kLinkerCache = "/etc/ld.so.cache";

// The program itself has no name, and a plugin is loaded through its descriptor.
bool IsLibrary(const std::string &name, ElfW(Addr) address) {
  return !name.empty() && !name.starts_with("/proc/self/fd/") &&
         address != getauxval(AT_SYSINFO_EHDR);
}

template <typename Number>
bool TakeNumber(std::string_view *text, Number *number) {
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  if (error != std::errc() || end == text->data() + text->size() || *end != ' ') {
    return false;
  }
  text->remove_prefix(static_cast<size_t>(end - text->data()) + 1);
  return true;
}

}  // namespace

std::string FormatIdentity(const FileIdentity &identity) {
  return std::to_string(identity.device) + " " + std::to_string(identity.inode) + " " +
         std::to_string(identity.size) + " " + std::to_string(identity.modified_ns) + " " +
         std::to_string(identity.changed_ns);
}

std::optional<FileIdentity> TakeIdentity(std::string_view *text) {
  FileIdentity id;
  if (TakeNumber(text, &id.device) && TakeNumber(text, &id.inode) && TakeNumber(text, &id.size) &&
      TakeNumber(text, &id.modified_ns) && TakeNumber(text, &id.changed_ns)) {
    return id;
  }
  return std::nullopt;
}

std::string FormatUsedFile(const UsedFile &file) {
  return FormatIdentity(file.identity) + " " + file.path;
}

std::optional<UsedFile> ParseUsedFile(std::string_view line) {
  const auto identity = TakeIdentity(&line);
  if (!identity || !IsPlainAbsolutePath(line) || Printable(line) != line) {
    return std::nullopt;
  }
  return UsedFile{std::string(line), *identity};
}

FileIdentity IdentityAt(const std::string &path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? IdentityOf(status) : FileIdentity();
}

std::optional<std::vector<UsedFile>> FilesInUse(const ElfImage &plugin) {
  std::vector<UsedFile> files;
  for (const std::string &place : plugin.library_paths) {
    files.push_back({place, IdentityAt(place)});
  }
  files.push_back({kLinkerCache, IdentityAt(kLinkerCache)});
  const size_t places = files.size();
  dl_iterate_phdr(
      [](struct dl_phdr_info *info, size_t, void *into) {
        if (IsLibrary(info->dlpi_name, info->dlpi_addr)) {
          static_cast<std::vector<UsedFile> *>(into)->push_back(
              {info->dlpi_name, IdentityAt(info->dlpi_name)});
        }
        return 0;
      },
      &files);
  for (size_t i = 0; i < files.size(); ++i) {
    const bool is_gone = i >= places && files[i].identity == FileIdentity();
    if (is_gone || !IsPlainAbsolutePath(files[i].path) ||
        Printable(files[i].path) != files[i].path) {
      return std::nullopt;
    }
  }
  return files;
}

}  // namespace svirt
