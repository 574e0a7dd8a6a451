// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and writes the index of definitions, which is a guess and never believed.
#include "host/service/store/definition_index.h"

#include <algorithm>
#include <boost/crc.hpp>
#include <charconv>
#include <chrono>
#include <ctime>
#include <utility>

#include "host/util/file.h"

namespace svirt {
namespace {

constexpr std::string_view kHeader = "svirt definitions 1\n";
constexpr std::string_view kChecksum = "checksum ";
constexpr std::string_view kUnmarked = "0 0 0 0";
constexpr size_t kLargestIndex = 256u << 20;

// Some file systems count time in steps of two seconds.
constexpr int64_t kYoung = 2'000'000'000;

int64_t Nanoseconds(const timespec &time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string ChecksumLine(std::string_view rows) {
  boost::crc_32_type crc;
  crc.process_bytes(rows.data(), rows.size());
  return std::string(kChecksum) + std::to_string(crc.checksum()) + "\n";
}

// What is in front of the next separator, which is taken away with it.
std::string_view Next(std::string_view *text, char separator) {
  const size_t end = std::min(text->find(separator), text->size());
  const std::string_view field = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return field;
}

template <typename T>
bool NextNumber(std::string_view *text, T *number) {
  const std::string_view field = Next(text, ' ');
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), *number);
  return error == std::errc() && end == field.data() + field.size();
}

}  // namespace

std::optional<FileMark> FileMark::Of(const struct stat &file) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const FileMark mark{file.st_ino, file.st_size, Nanoseconds(file.st_mtim),
                      Nanoseconds(file.st_ctim)};
  const bool is_settled = mark.ctime < Nanoseconds(now) - kYoung;
  return S_ISREG(file.st_mode) && is_settled ? std::optional(mark) : std::nullopt;
}

DefinitionIndex DefinitionIndex::Read(const std::string &file) {
  const auto text = ReadRegularFile(file, kLargestIndex);
  if (!text.ok() || !text->starts_with(kHeader)) {
    return {};
  }
  std::string_view rest = *text;
  const size_t end = rest.rfind(kChecksum);
  if (end == std::string_view::npos || rest.substr(end) != ChecksumLine(rest.substr(0, end))) {
    return {};
  }
  rest = rest.substr(kHeader.size(), end - kHeader.size());
  DefinitionIndex index;
  while (!rest.empty()) {
    std::string_view line = Next(&rest, '\n');
    const std::string_view uuid = Next(&line, ' ');
    const std::string_view type = Next(&line, ' ');
    FileMark mark;
    if (!NextNumber(&line, &mark.ino) || !NextNumber(&line, &mark.size) ||
        !NextNumber(&line, &mark.mtime) || !NextNumber(&line, &mark.ctime)) {
      return {};
    }
    index.Set(std::string(uuid),
              {std::string(line), std::string(type),
               mark == FileMark() ? std::nullopt : std::optional<FileMark>(mark)});
  }
  return index;
}

Status DefinitionIndex::Write(const std::string &file) const {
  std::string text(kHeader);
  for (const auto &[uuid, row] : rows_) {
    text += uuid + ' ' + row.type + ' ';
    text += row.mark ? std::to_string(row.mark->ino) + ' ' + std::to_string(row.mark->size) + ' ' +
                           std::to_string(row.mark->mtime) + ' ' + std::to_string(row.mark->ctime)
                     : std::string(kUnmarked);
    text += ' ' + row.name + '\n';
  }
  text += ChecksumLine(text);
  return WriteFileAtomic(file, text, 0600, Durability::kNone);
}

const DefinitionIndex::Row *DefinitionIndex::Find(std::string_view uuid) const {
  const auto found = rows_.find(uuid);
  return found == rows_.end() ? nullptr : &found->second;
}

std::optional<std::string> DefinitionIndex::UuidOf(std::string_view name) const {
  std::optional<std::string> uuid;
  for (const auto &[each, row] : rows_) {
    if (row.name == name) {
      if (uuid) {
        return std::nullopt;
      }
      uuid = each;
    }
  }
  return uuid;
}

void DefinitionIndex::Set(const std::string &uuid, Row row) {
  rows_[uuid] = std::move(row);
}

}  // namespace svirt
