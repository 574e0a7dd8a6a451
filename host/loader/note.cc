// SPDX-License-Identifier: LGPL-2.1-or-later
// Parses the lines of the note, and compares them with this host and with the table.
#include "host/loader/note.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "host/util/text.h"

namespace svirt {
namespace {

constexpr size_t kMaxText = 4096;
constexpr int kMaxPriority = 999;

Result<unsigned> Number(std::string_view key, std::string_view text, unsigned limit) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > limit) {
    return Refusal("its identity note has \"" + Printable(text) + "\" as " + std::string(key));
  }
  return value;
}

// "1.0"
Status Version(std::string_view key, std::string_view text, unsigned *major, unsigned *minor) {
  const size_t dot = std::min(text.find('.'), text.size());
  constexpr unsigned kLimit = 0xffff;
  SVIRT_ASSIGN(*major, Number(key, text.substr(0, dot), kLimit));
  SVIRT_ASSIGN(*minor, Number(key, text.substr(std::min(dot + 1, text.size())), kLimit));
  return {};
}

Status ReadLine(std::string_view key, std::string_view value, Note *note) {
  if (key == "abi") {
    return Version(key, value, &note->abi_major, &note->abi_minor);
  }
  if (key == "min-host") {
    return Version(key, value, &note->min_host_major, &note->min_host_minor);
  }
  if (key == "priority") {
    SVIRT_ASSIGN(const unsigned priority, Number(key, value, kMaxPriority));
    note->priority = static_cast<int>(priority);
  } else if (key == "model") {
    if (!IsModelName(value)) {
      return Refusal("its identity note has \"" + Printable(value) +
                     "\" as model, which does not match [a-z][a-z0-9-]{0,31}");
    }
    note->model = value;
  } else if (key == "version") {
    if (value.empty() || value.size() > SVIRT_MODEL_MAX || HasControlCharacters(value) ||
        !IsUtf8(value)) {
      return Refusal("its identity note has a version that is not a line of UTF-8");
    }
    note->version = value;
  }
  return {};
}

std::string HostAbi() {
  return SVIRT_STR(SVIRT_ABI_MAJOR) "." SVIRT_STR(SVIRT_ABI_MINOR);
}

}  // namespace

Result<Note> ParseNote(std::string_view text) {
  if (text.size() > kMaxText) {
    return Refusal("its identity note is longer than " + std::to_string(kMaxText) + " bytes");
  }
  Note note;
  std::set<std::string_view> seen;
  while (!text.empty()) {
    const size_t newline = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(std::min(newline + 1, text.size()));
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Refusal("its identity note has the line \"" + Printable(line) + "\", not key=value");
    }
    const std::string_view key = line.substr(0, equals);
    if (!seen.insert(key).second) {
      return Refusal("its identity note has " + Printable(key) + " twice");
    }
    SVIRT_TRY(ReadLine(key, line.substr(equals + 1), &note));
  }
  for (const char *key : {"abi", "model", "version", "min-host"}) {
    if (seen.count(key) == 0) {
      return Refusal("its identity note lacks " + std::string(key));
    }
  }
  return note;
}

Result<Note> NoteOf(const ElfImage &image) {
  if (image.notes.empty()) {
    return Refusal("it has no identity note (" SVIRT_NOTE_SECTION
                   "); build it with SVIRT_PLUGIN_DEFINE");
  }
  if (image.notes.size() > 1) {
    return Refusal("it has " + std::to_string(image.notes.size()) +
                   " identity notes; one is allowed");
  }
  return ParseNote(image.notes[0]);
}

Status CheckNoteAbi(const Note &note) {
  if (note.abi_major != SVIRT_ABI_MAJOR) {
    return Refusal("it is built for plugin ABI " + note.abi() + ", this host provides " +
                   HostAbi());
  }
  if (note.min_host_major != SVIRT_ABI_MAJOR || note.min_host_minor > SVIRT_ABI_MINOR) {
    return Refusal("it needs host ABI " + std::to_string(note.min_host_major) + "." +
                   std::to_string(note.min_host_minor) + ", this host provides " + HostAbi());
  }
  return {};
}

Status CheckTableAgrees(const Note &note, const svirt_plugin &table) {
  const auto disagree = [](const char *what, const std::string &in_note,
                           const std::string &in_table) {
    return Refusal("its identity note and its table disagree: " + std::string(what) + " is " +
                   in_note + " in the note and " + in_table + " in the table");
  };
  if (note.model != table.model) {
    return disagree("the model", note.model, table.model);
  }
  if (note.version != table.version) {
    return disagree("the version", note.version, table.version);
  }
  const std::string table_abi =
      std::to_string(table.abi_major) + "." + std::to_string(table.abi_minor);
  if (note.abi() != table_abi) {
    return disagree("the ABI", note.abi(), table_abi);
  }
  if (note.min_host_minor != table.min_host_minor) {
    return disagree("the oldest host minor", std::to_string(note.min_host_minor),
                    std::to_string(table.min_host_minor));
  }
  return {};
}

}  // namespace svirt
