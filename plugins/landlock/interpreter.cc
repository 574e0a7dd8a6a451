// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads the program headers of 32-bit and 64-bit ELF files.
#include "interpreter.h"

#include <elf.h>
#include <svirt/sdk.h>
#include <unistd.h>

#include <climits>
#include <cstring>

namespace svirt::landlock {

namespace {

bool ReadAt(int fd, void *to, size_t size, uint64_t offset) {
  return offset <= INT64_MAX &&
         ::pread(fd, to, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

// False if the headers are not sound.
template <typename Ehdr, typename Phdr>
bool ReadInterpreter(int fd, std::string *interpreter) {
  Ehdr header;
  if (!ReadAt(fd, &header, sizeof header, 0) || header.e_phentsize != sizeof(Phdr)) {
    return false;
  }
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    Phdr segment;
    if (!ReadAt(fd, &segment, sizeof segment, header.e_phoff + i * sizeof segment)) {
      return false;
    }
    if (segment.p_type != PT_INTERP) {
      continue;
    }
    // The kernel's own limits.
    char path[PATH_MAX];
    if (segment.p_filesz < 2 || segment.p_filesz > sizeof path ||
        !ReadAt(fd, path, segment.p_filesz, segment.p_offset) ||
        path[segment.p_filesz - 1] != '\0') {
      return false;
    }
    *interpreter = path;
    return true;
  }
  return true;
}

}  // namespace

svirt_status FindInterpreter(int fd, const char *path, std::string *interpreter,
                             svirt_error *error) {
  unsigned char ident[EI_NIDENT] = {};
  const bool read = ReadAt(fd, ident, sizeof ident, 0);
  if (read && std::memcmp(ident, "#!", 2) == 0) {
    return sdk::Fail(error, SVIRT_E_DENIED, 0,
                     "%s is a script, and Landlock would have to open a shell and all its programs "
                     "to the domain: name the program that the script starts as the emulator",
                     path);
  }
  std::string found;
  const bool sound =
      read && std::memcmp(ident, ELFMAG, SELFMAG) == 0 &&
      ((ident[EI_CLASS] == ELFCLASS64 && ReadInterpreter<Elf64_Ehdr, Elf64_Phdr>(fd, &found)) ||
       (ident[EI_CLASS] == ELFCLASS32 && ReadInterpreter<Elf32_Ehdr, Elf32_Phdr>(fd, &found)));
  if (!sound) {
    return sdk::Fail(error, SVIRT_E_DENIED, 0,
                     "%s is not an ELF program: name the program that is executed as the emulator",
                     path);
  }
  *interpreter = found;
  return SVIRT_OK;
}

}  // namespace svirt::landlock
