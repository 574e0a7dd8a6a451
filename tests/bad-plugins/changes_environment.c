/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes the environment. */
#include <stdlib.h>
#define ZOO_PROBE_DOES setenv("ZOO", "1", 1)
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
