// SPDX-License-Identifier: LGPL-2.1-or-later
// What a shared object says about itself, read from its bytes. No code of it runs, and nothing in
// it is believed: every offset and count is held against the size of the file, because what
// dlopen(3) does with a truncated file is SIGBUS.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "host/util/result.h"

namespace svirt {

// The bytes of a file. read fills all of [offset, offset + size), which is not empty, or returns
// false.
struct ByteSource {
  uint64_t size = 0;
  std::function<bool(uint64_t offset, void *into, size_t size)> read;
};

// Of an open file, by pread(2), a block at a time. The descriptor must outlive it. Not for several
// threads at once.
ByteSource FileBytes(int fd, uint64_t size);

struct ElfImage {
  uint16_t machine = 0;
  std::vector<std::string> needed;         // DT_NEEDED, in order
  std::vector<std::string> library_paths;  // DT_RPATH and DT_RUNPATH, split at ':'
  std::vector<std::string> exports;        // defined dynamic symbols of default visibility
  std::vector<std::string> notes;          // texts of the identity notes; one in a sound plugin
  std::string build_id;                    // in hexadecimal; "" if it has none
  bool executable_stack = false;
  bool text_relocations = false;
  bool position_independent_executable = false;
  bool no_delete = false;  // linked with -z nodelete
  bool bind_now = false;   // linked with -z now
};

// Reads an object of this host's class and byte order, of any machine. The error's sentence has no
// subject: "it is not an ELF file".
Result<ElfImage> ReadElf(const ByteSource &bytes);

}  // namespace svirt
