/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nothing wrong with it; it stands beside another model. */
#define ZOO_PRIORITY 0
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
