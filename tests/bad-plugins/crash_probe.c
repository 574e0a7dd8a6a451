/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Crashes when it is probed. */
#include <stdlib.h>
#define ZOO_PROBE_DOES abort()
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
