/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A note, but no function to call. */
#include "base.h"

/* The note alone: the entry point that comes with it goes by another name. */
#define svirt_plugin_v1 zoo_not_the_entry
const struct svirt_plugin *svirt_plugin_v1(void);
SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
