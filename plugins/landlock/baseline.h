// SPDX-License-Identifier: LGPL-2.1-or-later
// Rights that every domain has, whatever its resources are.
#pragma once

#include <span>

#include "landlock_abi.h"

namespace svirt::landlock {

// A path that every emulator may use.
struct BaselineEntry {
  const char *path;  // symbolic links are followed; skipped where it does not exist
  uint64_t rights;
};

// What no manifest names because it belongs to the host and not to a domain: libraries, firmware
// and a few harmless devices. Nothing here holds secrets or can be written. Everything else - other
// domains' files, /etc, /home, /var, /tmp, /proc, /dev - is denied unless a resource names it.
std::span<const BaselineEntry> Baseline();

}  // namespace svirt::landlock
