/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Its table ends before the mandatory functions do. */
#define ZOO_TABLE_SIZE 64
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
