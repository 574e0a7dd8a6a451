/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The entry point is not its own: a library that it needs has it. */
#include "base.h"

/* Referring to the function is what makes the linker note the library. */
extern const struct svirt_plugin *(*const zoo_reference)(void);
const struct svirt_plugin *(*const zoo_reference)(void) = svirt_plugin_v1;

#define svirt_plugin_v1 zoo_not_the_entry
const struct svirt_plugin *svirt_plugin_v1(void);
SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
