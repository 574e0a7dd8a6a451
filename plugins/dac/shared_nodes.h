// SPDX-License-Identifier: LGPL-2.1-or-later
// Device nodes that the host and all domains open: none of them is ever given to one domain.
#pragma once

#include <string_view>

namespace svirt::dac {

bool IsSharedNode(std::string_view path);

// By the numbers of a character device, whatever name it has.
bool IsSharedNode(unsigned major, unsigned minor);

// The machine's memory, I/O ports, log and console: what no domain is let into.
bool IsMachineNode(unsigned major, unsigned minor);

}  // namespace svirt::dac
