// SPDX-License-Identifier: LGPL-2.1-or-later
// MLS/MCS levels: "s0", "s0:c5", "s0:c1,c3.c7", and ranges "s0-s0:c0.c1023".
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

namespace svirt::selinux {

// Categories that every policy with MCS has: c0 to c1023.
inline constexpr unsigned kCategories = 1024;
using CategorySet = std::bitset<kCategories>;

struct Level {
  unsigned sensitivity = 0;
  CategorySet categories;

  bool operator==(const Level &) const = default;
};

// From low to high; high dominates low. A single level has both equal.
struct Range {
  Level low, high;

  bool operator==(const Range &) const = default;
};

// Reads every form the kernel takes, and no other. nullopt with a clause in *why ("'c1,2' ...")
// that says which part is wrong and how it is written.
std::optional<Range> ParseRange(std::string_view text, std::string *why);

// As the kernel writes them: ascending, runs of three and more as "cA.cB", "low-high" only if they
// differ. Two labels are the same if and only if their canonical text is.
std::string FormatLevel(const Level &level);
std::string FormatRange(const Range &range);

}  // namespace svirt::selinux
