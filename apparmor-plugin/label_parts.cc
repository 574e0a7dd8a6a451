// SPDX-License-Identifier: LGPL-2.1-or-later
// Splits a label at the separators of stacked profiles.
#include <algorithm>

#include "apparmor_api.h"

namespace svirt::apparmor {

std::vector<std::string> LabelParts(std::string_view label) {
  constexpr std::string_view kAnd = "//&";
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = label.find(kAnd);
    parts.emplace_back(label.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    label.remove_prefix(end + kAnd.size());
  }
}

bool LabelHas(std::string_view label, std::string_view name) {
  const std::vector<std::string> parts = LabelParts(label);
  return std::any_of(parts.begin(), parts.end(), [name](const std::string &part) {
    return part == name || (part.starts_with(name) && part.substr(name.size()).starts_with("//"));
  });
}

}  // namespace svirt::apparmor
