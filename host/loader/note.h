// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads a plugin's identity note and judges it.
#pragma once

#include <svirt/plugin.h>

#include <string>
#include <string_view>

#include "host/loader/elf_image.h"
#include "host/util/result.h"

namespace svirt {

// The identity note of a plugin: what it says of itself before any of its code runs.
struct Note {
  unsigned abi_major = 0, abi_minor = 0;
  unsigned min_host_major = 0, min_host_minor = 0;
  std::string model, version;
  int priority = 0;

  std::string abi() const { return std::to_string(abi_major) + "." + std::to_string(abi_minor); }
};

// Lines of key=value. abi, model, version and min-host have to be there, once; unknown keys are
// ignored. The error's sentence has no subject.
Result<Note> ParseNote(std::string_view text);

// The one note of an object; an error if there is none, or more than one.
Result<Note> NoteOf(const ElfImage &image);

// Can this host serve it? Errc::kRefused, with both numbers, if not.
Status CheckNoteAbi(const Note &note);

// A table that disagrees with the note its file was judged by is refused.
Status CheckTableAgrees(const Note &note, const svirt_plugin &table);

}  // namespace svirt
