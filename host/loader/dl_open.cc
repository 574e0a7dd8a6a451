// SPDX-License-Identifier: LGPL-2.1-or-later
// How a verified file is mapped: by its descriptor, once, and for good.
#include "host/loader/dl_open.h"

#include <dlfcn.h>
#include <link.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <system_error>

#include "host/util/text.h"

namespace svirt {
namespace {

// A name for the descriptor that no other load of this process has had: the C library compares
// names before it opens anything, so that a reused descriptor number would give an older object.
// The serial is written in "./" for 1 and "/" for 0, which mean nothing to the kernel.
std::string AliasOf(int fd, uint32_t serial) {
  std::string alias = "/proc/self/fd/";
  for (uint32_t bit = 1u << 31; bit != 0; bit >>= 1) {
    alias += (serial & bit) != 0 ? "./" : "/";
  }
  return alias + std::to_string(fd);
}

Status CheckProc() {
  struct statfs proc {};
  if (statfs("/proc/self/fd", &proc) != 0 || proc.f_type != PROC_SUPER_MAGIC) {
    return Refusal("it cannot be loaded through its descriptor because /proc is not mounted");
  }
  return {};
}

Status CheckAlias(const std::string &alias, const FileIdentity &identity) {
  struct stat status {};
  if (stat(alias.c_str(), &status) != 0 || !IdentityOf(status).SameContent(identity)) {
    return Refusal("it changed while it was being loaded");
  }
  return {};
}

// dlerror's text names a missing library but not who needs it, and the object itself by its alias.
Error ExplainDlError(std::string text, const std::string &alias, const ElfImage &image) {
  constexpr std::string_view kMissing = ": cannot open shared object file";
  const size_t at = text.find(kMissing);
  if (at != std::string::npos && text.compare(0, alias.size(), alias) != 0) {
    const std::string library = text.substr(0, at);
    const bool direct =
        std::find(image.needed.begin(), image.needed.end(), library) != image.needed.end();
    return Refusal("it needs " + Printable(library) + (direct ? "" : ", through another library,") +
                   ", which is not installed; install the package that has it");
  }
  if (text.compare(0, alias.size() + 2, alias + ": ") == 0) {
    text.erase(0, alias.size() + 2);
  }
  return Refusal("it cannot be loaded: " + Printable(text));
}

const link_map *MapOf(const boost::dll::shared_library &library) {
  link_map *map = nullptr;
  return dlinfo(library.native(), RTLD_DI_LINKMAP, &map) == 0 ? map : nullptr;
}

// Where the objects of this process are.
std::set<ElfW(Addr)> PlacesOfObjects() {
  std::set<ElfW(Addr)> places;
  dl_iterate_phdr(
      [](struct dl_phdr_info *info, size_t, void *into) {
        static_cast<std::set<ElfW(Addr)> *>(into)->insert(info->dlpi_addr);
        return 0;
      },
      &places);
  return places;
}

// dlsym also searches what an object depends on; the entry has to be its own.
bool BelongsTo(const void *symbol, const link_map *object) {
  Dl_info info{};
  void *owner = nullptr;
  return dladdr1(symbol, &info, &owner, RTLD_DL_LINKMAP) != 0 && owner == object;
}

Status AskForTable(MappedObject *mapped) {
  if (!mapped->library.has(SVIRT_PLUGIN_ENTRY)) {
    return Refusal("it does not define the function " SVIRT_PLUGIN_ENTRY);
  }
  auto &entry = mapped->library.get<const svirt_plugin *()>(SVIRT_PLUGIN_ENTRY);
  if (!BelongsTo(reinterpret_cast<const void *>(&entry), MapOf(mapped->library))) {
    return Refusal("it does not define the function " SVIRT_PLUGIN_ENTRY
                   " itself; a library it needs does");
  }
  mapped->table = entry();
  return {};
}

}  // namespace

Result<MappedObject> MapObject(int fd, const FileIdentity &identity, uint32_t serial,
                               const ElfImage &image) {
  // NODELETE: code of it may stand on some thread's stack, in atexit lists or in thread-local
  // destructors at any time, so it stays even if its owner goes.
  constexpr auto kMode =
      static_cast<boost::dll::load_mode::type>(RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  const std::string alias = AliasOf(fd, serial);
  SVIRT_TRY(CheckProc());
  SVIRT_TRY(CheckAlias(alias, identity));
  const std::set<ElfW(Addr)> before = PlacesOfObjects();
  MappedObject mapped;
  std::error_code error;
  mapped.library.load(alias, kMode, error);
  if (error) {
    const char *text = dlerror();
    return ExplainDlError(text != nullptr ? text : "", alias, image);
  }
  const link_map *const map = MapOf(mapped.library);
  if (map == nullptr || before.count(map->l_addr) != 0) {
    return Refusal("another part of this program has loaded it already, without these checks");
  }
  mapped.verdict = CheckAlias(alias, identity);
  if (mapped.verdict.ok()) {
    mapped.verdict = AskForTable(&mapped);
  }
  return mapped;
}

}  // namespace svirt
