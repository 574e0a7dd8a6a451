/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Active or not by what is in the working directory, as others go by the kernel. */
#include <unistd.h>
#define ZOO_PROBE_STATUS (access("zoo-inactive", F_OK) == 0 ? SVIRT_INACTIVE : SVIRT_OK)
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
