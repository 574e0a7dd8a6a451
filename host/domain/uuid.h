// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and makes uuids.
#pragma once

#include <string>
#include <string_view>

#include "host/util/result.h"

namespace svirt {

// Eight, four, four, four and twelve hexadecimal digits, with hyphens between or without; returned
// in lower case with hyphens.
Result<std::string> ParseUuid(std::string_view text);

// A random one (version 4). Fails if the kernel gives no random bytes.
Result<std::string> NewUuid();

}  // namespace svirt
