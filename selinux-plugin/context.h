// SPDX-License-Identifier: LGPL-2.1-or-later
// Security contexts: user:role:type[:range].
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "level.h"

namespace svirt::selinux {

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

}  // namespace svirt::selinux
