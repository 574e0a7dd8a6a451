// SPDX-License-Identifier: LGPL-2.1-or-later
// Walks, unpacks and packs the automaton that matches paths.
#include "dfa.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace svirt::apparmor {

namespace {

constexpr uint32_t kMagic = 0x1b5e783d;
constexpr size_t kHeaderSize = 24;
constexpr std::string_view kVersion("notflex\0", 8);

// Tables, in the order in which they are written.
enum TableId : uint16_t {
  kAccept = 1,
  kBase = 2,
  kCheck = 3,
  kDefault = 4,
  kAccept2 = 7,
  kNext = 8,
};

uint32_t ReadBig(std::string_view from, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value = value << 8 | static_cast<uint8_t>(from[at + i]);
  }
  return value;
}

void WriteBig(std::string *to, uint32_t value, size_t size) {
  for (size_t shift = 8 * size; shift > 0; shift -= 8) {
    *to += static_cast<char>(value >> (shift - 8) & 0xff);
  }
}

size_t Align8(size_t size) {
  return (size + 7) & ~size_t{7};
}

using Tables = std::map<uint16_t, std::vector<uint32_t>>;

std::optional<Tables> ReadTables(std::string_view table) {
  if (table.size() < kHeaderSize || ReadBig(table, 0, 4) != kMagic) {
    return std::nullopt;
  }
  const size_t header = ReadBig(table, 4, 4), size = ReadBig(table, 8, 4);
  const uint32_t flags = ReadBig(table, 12, 2);
  if (header < kHeaderSize || size > table.size() || flags != 0) {
    return std::nullopt;
  }
  Tables tables;
  for (size_t at = Align8(header); at + 12 <= size;) {
    const auto id = static_cast<uint16_t>(ReadBig(table, at, 2));
    const size_t width = ReadBig(table, at + 2, 2), count = ReadBig(table, at + 8, 4);
    if ((width != 2 && width != 4) || count > (size - at - 12) / width) {
      return std::nullopt;
    }
    std::vector<uint32_t> &values = tables[id];
    values.resize(count);
    for (size_t i = 0; i < count; ++i) {
      values[i] = ReadBig(table, at + 12 + i * width, width);
    }
    at = Align8(at + 12 + count * width);
  }
  return tables;
}

void WriteTable(std::string *to, TableId id, size_t width, const std::vector<uint32_t> &values) {
  WriteBig(to, id, 2);
  WriteBig(to, static_cast<uint32_t>(width), 2);
  WriteBig(to, 0, 4);
  WriteBig(to, static_cast<uint32_t>(values.size()), 4);
  for (const uint32_t value : values) {
    WriteBig(to, value, width);
  }
  to->resize(Align8(to->size()));
}

// The common table that all states' edges share: a state's edge for byte b is at base + b, where
// check names the state.
class Comb {
 public:
  uint32_t Place(uint32_t state, const std::map<uint8_t, uint32_t> &edges) {
    const uint8_t first = edges.begin()->first;
    size_t at = FreeFrom(first);
    while (!Fits(at - first, edges)) {
      at = FreeFrom(at + 1);
    }
    const size_t base = at - first;
    for (const auto &[byte, next] : edges) {
      const size_t place = base + byte;
      Grow(place + 1);
      check_[place] = state;
      next_[place] = next;
      following_[place] = place + 1;
    }
    return static_cast<uint32_t>(base);
  }

  // Every state may look at base + 255.
  void Finish(uint32_t highest_base) { Grow(size_t{highest_base} + 256); }

  const std::vector<uint32_t> &check() const { return check_; }
  const std::vector<uint32_t> &next() const { return next_; }

 private:
  void Grow(size_t size) {
    while (check_.size() < size) {
      check_.push_back(0);
      next_.push_back(0);
      following_.push_back(following_.size());
    }
  }

  // The first free place from `at` on. following_ leads over runs of taken ones.
  size_t FreeFrom(size_t at) {
    size_t free = at;
    while (free < following_.size() && following_[free] != free) {
      free = following_[free];
    }
    while (at < following_.size() && following_[at] != at) {
      at = std::exchange(following_[at], free);
    }
    return free;
  }

  bool Fits(size_t base, const std::map<uint8_t, uint32_t> &edges) const {
    return std::all_of(edges.begin(), edges.end(), [&](const auto &edge) {
      const size_t place = base + edge.first;
      return place >= check_.size() || check_[place] == 0;
    });
  }

  std::vector<uint32_t> check_, next_;
  std::vector<size_t> following_;
};

}  // namespace

Permissions Dfa::Walk(std::string_view path) const {
  uint32_t state = kStart;
  for (const char c : path) {
    state = states[state].Next(static_cast<uint8_t>(c));
  }
  return states[state].permissions;
}

std::optional<Dfa> UnpackDfa(std::string_view table) {
  auto tables = ReadTables(table);
  if (!tables || tables->size() != 6) {
    return std::nullopt;
  }
  const auto &accept = (*tables)[kAccept], &accept2 = (*tables)[kAccept2];
  const auto &base = (*tables)[kBase], &otherwise = (*tables)[kDefault];
  const auto &check = (*tables)[kCheck], &next = (*tables)[kNext];
  const size_t count = base.size();
  if (count < 2 || count > Dfa::kMaxStates || accept.size() != count || accept2.size() != count ||
      otherwise.size() != count || next.size() != check.size()) {
    return std::nullopt;
  }
  Dfa dfa;
  dfa.states.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (otherwise[i] >= count || size_t{base[i]} + 256 > next.size()) {
      return std::nullopt;
    }
    dfa.states[i].permissions = {accept[i], accept2[i]};
    dfa.states[i].otherwise = otherwise[i];
  }
  for (size_t place = 0; place < check.size(); ++place) {
    const uint32_t state = check[place];
    if (state >= count || next[place] >= count) {
      return std::nullopt;
    }
    // Unused places name state 0, which has no edges.
    if (state != Dfa::kDead && place >= base[state] && place - base[state] < 256 &&
        next[place] != otherwise[state]) {
      dfa.states[state].edges[static_cast<uint8_t>(place - base[state])] = next[place];
    }
  }
  return dfa;
}

std::string PackDfa(const Dfa &dfa) {
  const size_t count = dfa.states.size();
  std::vector<uint32_t> accept(count), accept2(count), base(count), otherwise(count), order(count);
  std::iota(order.begin(), order.end(), 0);
  // The wide ones first, while there are gaps for the others to fill.
  std::stable_sort(order.begin(), order.end(), [&dfa](uint32_t a, uint32_t b) {
    return dfa.states[a].edges.size() > dfa.states[b].edges.size();
  });
  Comb comb;
  uint32_t highest = 0;
  for (const uint32_t state : order) {
    const DfaState &from = dfa.states[state];
    accept[state] = from.permissions.allow;
    accept2[state] = from.permissions.quiet;
    otherwise[state] = from.otherwise;
    if (!from.edges.empty()) {
      base[state] = comb.Place(state, from.edges);
      highest = std::max(highest, base[state]);
    }
  }
  comb.Finish(highest);

  std::string table;
  WriteTable(&table, kAccept, 4, accept);
  WriteTable(&table, kAccept2, 4, accept2);
  WriteTable(&table, kBase, 4, base);
  WriteTable(&table, kDefault, 2, otherwise);
  WriteTable(&table, kNext, 2, comb.next());
  WriteTable(&table, kCheck, 2, comb.check());

  std::string packed;
  WriteBig(&packed, kMagic, 4);
  WriteBig(&packed, kHeaderSize, 4);
  WriteBig(&packed, static_cast<uint32_t>(kHeaderSize + table.size()), 4);
  WriteBig(&packed, 0, 2);  // no flags
  packed += kVersion;
  packed.resize(kHeaderSize);
  return packed + table;
}

}  // namespace svirt::apparmor
