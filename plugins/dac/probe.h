// SPDX-License-Identifier: LGPL-2.1-or-later
// Is the model usable for this process?
#pragma once

#include <svirt/plugin.h>

#include "settings.h"

namespace svirt::dac {

// What this process may really do.
struct Privileges {
  bool chown = false, setuid = false, setgid = false;  // effective capabilities
  int chown_errno = 0;  // of giving a file to the first and the last id of the range
};

// Tries it on a file that exists in memory only.
Privileges ReadPrivileges(const IdRange &range);

// Probe for domains of virt_type (NULL: any).
svirt_status ProbeDriver(const Privileges &privileges, const IdRange &range, const char *virt_type,
                         svirt_error *reason);

}  // namespace svirt::dac
