// SPDX-License-Identifier: LGPL-2.1-or-later
// What commands read: XML from files or standard input, and domains by name.
#pragma once

#include <cstddef>
#include <string>

#include "host/domain/domain.h"
#include "host/service/host.h"
#include "host/util/result.h"

namespace svirt {

// More than the parser accepts, so that it is the parser that says so.
inline constexpr size_t kLargestInput = 32u << 20;

// The text of a file, or of standard input for "-".
Result<std::string> ReadInput(const std::string &file);

// The domain that a FILE argument means: the XML in the file, or standard input for "-", or else,
// if there is no such file, the defined domain with that name or uuid.
Result<Domain> DomainArgument(Host &host, const std::string &argument);

}  // namespace svirt
