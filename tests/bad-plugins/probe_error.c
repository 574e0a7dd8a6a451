/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cannot tell whether it is usable. */
#define ZOO_PROBE_STATUS SVIRT_E_SYSTEM
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
