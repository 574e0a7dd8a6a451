/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Not usable here, as a plugin may well be. */
#define ZOO_PROBE_STATUS SVIRT_INACTIVE
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
