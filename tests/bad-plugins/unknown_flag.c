/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets a flag that must be understood. */
#define ZOO_FLAGS 0x80000000u
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
