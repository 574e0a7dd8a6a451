// SPDX-License-Identifier: MIT
// Security contexts, user:role:type[:range], as SELinux and FLASK write them, and MLS/MCS levels:
// "s0", "s0:c5", "s0:c1,c3.c7", and ranges "s0-s0:c0.c1023".
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace svirt::sdk {

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

struct Context {
  std::string user, role, type;
  std::optional<Range> range;  // a policy without MLS has none

  bool operator==(const Context &) const = default;

  // The level that decides what the context may reach: the high one; s0 without categories if there
  // is no range.
  Level high() const { return range ? range->high : Level{}; }
};

// nullopt with a clause in *why. Translated ranges ("SystemLow") are not contexts: only raw text
// means the same everywhere.
std::optional<Context> ParseContext(std::string_view text, std::string *why);

// Canonical text; see FormatRange.
std::string FormatContext(const Context &context);

namespace internal {

// The number in "PREFIXnumber". No signs and no leading zeros: names are compared as text by the
// kernel, and c01 is not c1.
inline std::optional<unsigned> ParseNumbered(std::string_view text, char prefix) {
  if (text.size() < 2 || text[0] != prefix || (text[1] == '0' && text.size() > 2)) {
    return std::nullopt;
  }
  unsigned number = 0;
  const char *end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + 1, end, number);
  if (error != std::errc() || at != end) {
    return std::nullopt;
  }
  return number;
}

inline std::optional<unsigned> ParseCategory(std::string_view text, std::string *why) {
  const auto category = ParseNumbered(text, 'c');
  if (!category) {
    *why = "'" + std::string(text) + "' is not a category (write each one as c0 to c1023)";
    return std::nullopt;
  }
  if (*category >= kCategories) {
    *why = "'" + std::string(text) + "' is beyond the last category, c1023";
    return std::nullopt;
  }
  return category;
}

inline bool ParseCategories(std::string_view text, CategorySet *set, std::string *why) {
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view item = text.substr(at, comma - at);
    at = comma + 1;
    const size_t dot = item.find('.');
    const auto first = ParseCategory(item.substr(0, dot), why);
    if (!first) {
      return false;
    }
    auto last = first;
    if (dot != std::string_view::npos) {
      last = ParseCategory(item.substr(dot + 1), why);
      if (!last) {
        return false;
      }
      if (*last <= *first) {
        *why = "'" + std::string(item) + "' does not go from a lower to a higher category";
        return false;
      }
    }
    for (unsigned category = *first; category <= *last; ++category) {
      set->set(category);
    }
  }
  return true;
}

inline std::optional<Level> ParseLevel(std::string_view text, std::string *why) {
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto sensitivity = ParseNumbered(name, 's');
  if (!sensitivity) {
    *why = "'" + std::string(name) + "' is not a sensitivity (s0 in most policies)";
    return std::nullopt;
  }
  Level level;
  level.sensitivity = *sensitivity;
  if (colon != std::string_view::npos &&
      !ParseCategories(text.substr(colon + 1), &level.categories, why)) {
    return std::nullopt;
  }
  return level;
}

}  // namespace internal

inline std::optional<Range> ParseRange(std::string_view text, std::string *why) {
  const size_t dash = text.find('-');
  const auto low = internal::ParseLevel(text.substr(0, dash), why);
  if (!low) {
    return std::nullopt;
  }
  if (dash == std::string_view::npos) {
    return Range{*low, *low};
  }
  const auto high = internal::ParseLevel(text.substr(dash + 1), why);
  if (!high) {
    return std::nullopt;
  }
  if (high->sensitivity < low->sensitivity || (low->categories & ~high->categories).any()) {
    *why = "the high level of '" + std::string(text) + "' does not include the low one";
    return std::nullopt;
  }
  return Range{*low, *high};
}

inline std::string FormatLevel(const Level &level) {
  std::string text = "s" + std::to_string(level.sensitivity);
  char separator = ':';
  for (unsigned first = 0; first < kCategories; ++first) {
    if (!level.categories.test(first)) {
      continue;
    }
    unsigned last = first;
    while (last + 1 < kCategories && level.categories.test(last + 1)) {
      ++last;
    }
    text += separator;
    text += "c" + std::to_string(first);
    if (last > first) {
      text += (last - first == 1 ? ",c" : ".c") + std::to_string(last);
    }
    separator = ',';
    first = last;
  }
  return text;
}

inline std::string FormatRange(const Range &range) {
  std::string text = FormatLevel(range.low);
  if (!(range.low == range.high)) {
    text += "-" + FormatLevel(range.high);
  }
  return text;
}

inline std::optional<Context> ParseContext(std::string_view text, std::string *why) {
  for (const char c : text) {
    if (c <= ' ' || c > '~') {
      *why = "it holds a space, a control character or a byte that is not ASCII";
      return std::nullopt;
    }
  }
  std::array<std::string_view, 3> part;
  std::string_view rest = text;
  bool has_range = false;
  for (size_t i = 0; i < part.size(); ++i) {
    const size_t colon = rest.find(':');
    part[i] = rest.substr(0, colon);
    if (part[i].empty() || (colon == std::string_view::npos && i + 1 < part.size())) {
      *why =
          "a context is written user:role:type:level, such as system_u:system_r:svirt_t:s0:c1,c2";
      return std::nullopt;
    }
    has_range = colon != std::string_view::npos;
    rest = has_range ? rest.substr(colon + 1) : std::string_view();
  }
  Context context{std::string(part[0]), std::string(part[1]), std::string(part[2]), std::nullopt};
  if (has_range) {
    context.range = ParseRange(rest, why);
    if (!context.range) {
      return std::nullopt;
    }
  }
  return context;
}

inline std::string FormatContext(const Context &context) {
  std::string text = context.user + ":" + context.role + ":" + context.type;
  if (context.range) {
    text += ":" + FormatRange(*context.range);
  }
  return text;
}

}  // namespace svirt::sdk
