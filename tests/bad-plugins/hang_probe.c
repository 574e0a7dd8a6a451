/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Never comes back from probe. */
#include <unistd.h>
#define ZOO_PROBE_DOES \
  while (1) {          \
    pause();           \
  }
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
