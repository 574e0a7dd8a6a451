// SPDX-License-Identifier: LGPL-2.1-or-later
// Is the model usable for this process?
#pragma once

#include <linux/capability.h>
#include <svirt/plugin.h>

#include <vector>

#include "id_map.h"
#include "settings.h"

namespace svirt::dac {

// What this process may really do.
struct Privileges {
  bool chown = false, setuid = false, setgid = false;  // effective capabilities
  IdMap map;                                           // of its user namespace
  int map_errno = 0;                                   // of reading it
  bool setgroups = true;  // may a process of the namespace leave its groups?
  int chown_errno = 0;    // of giving a file to the ends of each run of ids
};

// Has this thread the capability (CAP_...)?
bool HasCapability(unsigned capability);

// Tries it on a file that exists in memory only.
Privileges ReadPrivileges(const IdRange &range);

// Probe for domains of virt_type (NULL: any).
svirt_status ProbeDriver(const Privileges &privileges, const IdRange &range, const char *virt_type,
                         svirt_error *reason);

}  // namespace svirt::dac
