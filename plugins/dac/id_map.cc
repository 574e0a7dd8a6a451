// SPDX-License-Identifier: LGPL-2.1-or-later
// The ids that are users and groups in this user namespace.
#include "id_map.h"

#include <fcntl.h>
#include <svirt/sdk_fd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

namespace svirt::dac {
namespace {

// More than the 340 lines that the kernel takes.
constexpr size_t kRoom = 64 << 10;

// Takes the next number of a line off it.
std::optional<uint32_t> NextNumber(std::string_view *line) {
  line->remove_prefix(std::min(line->find_first_not_of(' '), line->size()));
  uint32_t number = 0;
  const auto [at, error] = std::from_chars(line->data(), line->data() + line->size(), number);
  if (error != std::errc()) {
    return std::nullopt;
  }
  line->remove_prefix(static_cast<size_t>(at - line->data()));
  return number;
}

std::vector<IdRange> Joined(std::vector<IdRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const IdRange &a, const IdRange &b) { return a.first < b.first; });
  std::vector<IdRange> joined;
  for (const IdRange &range : ranges) {
    if (!joined.empty() && joined.back().last() + 1 == range.first) {
      joined.back().count += range.count;
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

int ReadMap(const char *path, std::vector<IdRange> *ranges) {
  const sdk::Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  std::string text(kRoom, '\0');
  size_t size = 0;
  for (ssize_t got = 1; file && got > 0 && size < text.size(); size += static_cast<size_t>(got)) {
    got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0) {
      return errno;
    }
  }
  if (!file) {
    return errno;
  }
  *ranges = ParseIdMap({text.data(), size});
  return 0;
}

}  // namespace

std::vector<IdRange> IdMap::Within(const IdRange &range) const {
  std::vector<IdRange> both;
  for (const IdRange &user : users) {
    for (const IdRange &group : groups) {
      const uint32_t first = std::max({user.first, group.first, range.first});
      const uint32_t last = std::min({user.last(), group.last(), range.last()});
      if (first <= last) {
        both.push_back({first, last - first + 1});
      }
    }
  }
  return Joined(both);
}

bool IdMap::Has(const Identity &identity) const {
  return Contains(users, identity.uid) && Contains(groups, identity.gid);
}

std::string IdMap::Text() const {
  return "users " + FormatRanges(users) + ", groups " + FormatRanges(groups);
}

std::vector<IdRange> ParseIdMap(std::string_view text) {
  std::vector<IdRange> ranges;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto first = NextNumber(&line), outside = NextNumber(&line), count = NextNumber(&line);
    if (first && outside && count && *count > 0) {
      ranges.push_back({*first, *count});
    }
  }
  return Joined(std::move(ranges));
}

int ReadIdMap(IdMap *map) {
  const int error = ReadMap("/proc/self/uid_map", &map->users);
  return error != 0 ? error : ReadMap("/proc/self/gid_map", &map->groups);
}

std::string FormatRanges(const std::vector<IdRange> &ranges) {
  constexpr size_t kShown = 4;
  std::string text = ranges.empty() ? "none" : "";
  for (size_t i = 0; i < ranges.size() && i < kShown; ++i) {
    text += (i > 0 ? " and " : "") + std::to_string(ranges[i].first) + " to " +
            std::to_string(ranges[i].last());
  }
  return ranges.size() > kShown ? text + " and more" : text;
}

bool Contains(const std::vector<IdRange> &ranges, uint64_t id) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [id](const IdRange &range) { return range.Contains(id); });
}

}  // namespace svirt::dac
