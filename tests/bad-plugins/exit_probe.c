/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends the process when it is probed. */
#include <unistd.h>
#define ZOO_PROBE_DOES _exit(0)
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
