/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes its time in probe, and no processor: like any plugin on a host that is starved. */
#include <time.h>
#define ZOO_PROBE_DOES                                 \
  const struct timespec while_asleep = {1, 200000000}; \
  nanosleep(&while_asleep, NULL)
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
