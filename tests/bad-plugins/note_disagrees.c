/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table names another model than the note. */
#define ZOO_TABLE_MODEL "something-else"
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
