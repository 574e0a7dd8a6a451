// SPDX-License-Identifier: LGPL-2.1-or-later
// Brings a path into its one normal form, or refuses it.
#pragma once

#include <string>
#include <string_view>

#include "host/util/result.h"

namespace svirt {

// The path without doubled or trailing slashes and "." components; nothing is looked up. Refused
// are paths that are not absolute, have ".." (which cannot be taken away without looking links up)
// or control characters, or are too long for the kernel. The sentence starts with the quoted path.
Result<std::string> NormalPath(std::string_view path);

}  // namespace svirt
