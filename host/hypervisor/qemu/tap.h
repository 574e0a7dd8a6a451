// SPDX-License-Identifier: LGPL-2.1-or-later
// Network devices of the host for interfaces of domains.
#pragma once

#include <string>

#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// Opens a tap device, making it if there is none of this name ("": the kernel names it); one it
// made goes away with the descriptor. bridge (unless ""): the device is put into it and set up.
// Done here and handed on, so that the emulator needs neither the privilege nor /dev/net/tun.
Result<Fd> OpenTap(const std::string &name, const std::string &bridge);

// Errc::kNotFound if there is no such bridge.
Status CheckBridge(const std::string &name);

}  // namespace svirt
