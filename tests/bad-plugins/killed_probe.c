/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is killed when it is probed. */
#include <signal.h>
#define ZOO_PROBE_DOES raise(SIGKILL)
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
