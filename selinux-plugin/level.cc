// SPDX-License-Identifier: LGPL-2.1-or-later
#include "level.h"

#include <charconv>

namespace svirt::selinux {
namespace {

// The number in "PREFIXnumber". No signs and no leading zeros: names are compared as text by the
// kernel, and c01 is not c1.
std::optional<unsigned> ParseNumbered(std::string_view text, char prefix) {
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

std::optional<unsigned> ParseCategory(std::string_view text, std::string *why) {
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

bool ParseCategories(std::string_view text, CategorySet *set, std::string *why) {
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

std::optional<Level> ParseLevel(std::string_view text, std::string *why) {
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

}  // namespace

std::optional<Range> ParseRange(std::string_view text, std::string *why) {
  const size_t dash = text.find('-');
  const auto low = ParseLevel(text.substr(0, dash), why);
  if (!low) {
    return std::nullopt;
  }
  if (dash == std::string_view::npos) {
    return Range{*low, *low};
  }
  const auto high = ParseLevel(text.substr(dash + 1), why);
  if (!high) {
    return std::nullopt;
  }
  if (high->sensitivity < low->sensitivity || (low->categories & ~high->categories).any()) {
    *why = "the high level of '" + std::string(text) + "' does not include the low one";
    return std::nullopt;
  }
  return Range{*low, *high};
}

std::string FormatLevel(const Level &level) {
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

std::string FormatRange(const Range &range) {
  std::string text = FormatLevel(range.low);
  if (!(range.low == range.high)) {
    text += "-" + FormatLevel(range.high);
  }
  return text;
}

}  // namespace svirt::selinux
