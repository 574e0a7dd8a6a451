// SPDX-License-Identifier: LGPL-2.1-or-later
#include "context.h"

#include <array>

namespace svirt::selinux {

std::optional<Context> ParseContext(std::string_view text, std::string *why) {
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

std::string FormatContext(const Context &context) {
  std::string text = context.user + ":" + context.role + ":" + context.type;
  if (context.range) {
    text += ":" + FormatRange(*context.range);
  }
  return text;
}

}  // namespace svirt::selinux
