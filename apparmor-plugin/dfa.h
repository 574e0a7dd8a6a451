// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel's file matching automaton: bytes of a path in, permissions out. Its packed form is the
// one that apparmor_parser writes and security/apparmor/match.c reads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace svirt::apparmor {

// What a state grants. allow and quiet have the bits of both halves: the owner of the file, and
// everybody else.
struct Permissions {
  uint32_t allow = 0;
  uint32_t quiet = 0;  // audited, or denied without a word
  auto operator<=>(const Permissions &) const = default;
};

struct DfaState {
  Permissions permissions;
  uint32_t otherwise = 0;             // next state for every byte that has no edge
  std::map<uint8_t, uint32_t> edges;  // never to `otherwise`

  uint32_t Next(uint8_t byte) const {
    const auto edge = edges.find(byte);
    return edge == edges.end() ? otherwise : edge->second;
  }
  auto operator<=>(const DfaState &) const = default;
};

// State 0 matches nothing, ever; state 1 is the start.
struct Dfa {
  static constexpr uint32_t kDead = 0, kStart = 1;
  // The packed form has 16 bits for a state.
  static constexpr size_t kMaxStates = 65536;

  std::vector<DfaState> states;

  // The permissions of a path.
  Permissions Walk(std::string_view path) const;
};

// nullopt: not an automaton, or of a form that the parser does not write with our features
// (differential encoding, character classes).
std::optional<Dfa> UnpackDfa(std::string_view table);

// At most kMaxStates states. The length is a multiple of 8.
std::string PackDfa(const Dfa &dfa);

}  // namespace svirt::apparmor
