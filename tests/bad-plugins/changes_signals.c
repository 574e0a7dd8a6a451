/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes a signal for itself. */
#include <signal.h>
#define ZOO_PROBE_DOES signal(SIGTERM, SIG_IGN)
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
