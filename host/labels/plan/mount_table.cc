// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads the mounts of this process, and the other paths of one object.
#include "host/labels/plan/mount_table.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "host/util/file.h"

namespace svirt {
namespace {

// A machine full of containers has thousands of mounts of some hundred bytes.
constexpr size_t kLargestTable = 64u << 20;

std::string_view NextField(std::string_view *line) {
  const size_t end = std::min(line->find(' '), line->size());
  const std::string_view field = line->substr(0, end);
  line->remove_prefix(std::min(end + 1, line->size()));
  return field;
}

bool IsOctal(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '7'; });
}

// The kernel writes a space, a tab, a newline and a backslash as \ and three octal digits.
std::string Unescape(std::string_view field) {
  std::string text;
  for (size_t i = 0; i < field.size(); ++i) {
    const std::string_view digits = field.substr(i + 1, 3);
    unsigned value = 0;
    if (field[i] == '\\' && digits.size() == 3 && IsOctal(digits)) {
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
      text += static_cast<char>(value);
      i += digits.size();
    } else {
      text += field[i];
    }
  }
  return text;
}

// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
Result<Mount> ParseLine(std::string_view line) {
  const std::string whole(line);
  Mount mount;
  const std::string_view id = NextField(&line);
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), mount.id);
  NextField(&line);  // of the mount that it is on
  mount.device = NextField(&line);
  mount.root = Unescape(NextField(&line));
  mount.point = Unescape(NextField(&line));
  while (!line.empty() && NextField(&line) != "-") {
  }
  mount.type = NextField(&line);
  const bool is_number = error == std::errc() && end == id.data() + id.size();
  if (!is_number || mount.type.empty()) {
    return Error{Errc::kInternal, "the list of mounts has a line that is none: " + whole};
  }
  return mount;
}

// What stands behind a directory that path is within: "" or "/...".
std::string_view BehindDirectory(std::string_view path, std::string_view directory) {
  return directory == "/" ? (path == "/" ? std::string_view() : path)
                          : path.substr(directory.size());
}

std::string Join(const std::string &directory, std::string_view rest) {
  return directory == "/" && !rest.empty() ? std::string(rest) : directory + std::string(rest);
}

}  // namespace

bool IsWithin(std::string_view path, std::string_view directory) {
  return directory == "/" || (path.starts_with(directory) &&
                              (path.size() == directory.size() || path[directory.size()] == '/'));
}

Result<MountTable> MountTable::Read(const std::string &file) {
  SVIRT_ASSIGN(const std::string text, ReadFile(file, kLargestTable));
  return Parse(text);
}

Result<MountTable> MountTable::Parse(std::string_view text) {
  MountTable table;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    SVIRT_ASSIGN(Mount mount, ParseLine(text.substr(0, end)));
    table.mounts_.push_back(std::move(mount));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return table;
}

const Mount *MountTable::Find(uint64_t id) const {
  const auto found = std::ranges::find(mounts_, id, &Mount::id);
  return found == mounts_.end() ? nullptr : &*found;
}

std::vector<std::string> MountTable::OtherPaths(const Mount &mount, const std::string &path) const {
  std::vector<std::string> paths;
  if (!IsWithin(path, mount.point)) {
    return paths;
  }
  const std::string inside = Join(mount.root, BehindDirectory(path, mount.point));
  for (const Mount &other : mounts_) {
    if (other.id != mount.id && other.device == mount.device && IsWithin(inside, other.root)) {
      paths.push_back(Join(other.point, BehindDirectory(inside, other.root)));
    }
  }
  return paths;
}

std::vector<const Mount *> MountTable::Below(std::string_view directory) const {
  std::vector<const Mount *> below;
  for (const Mount &mount : mounts_) {
    if (mount.point != directory && IsWithin(mount.point, directory)) {
      below.push_back(&mount);
    }
  }
  return below;
}

}  // namespace svirt
