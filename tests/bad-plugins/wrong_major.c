/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of an ABI that is yet to come. */
#define ZOO_ABI_MAJOR 2
/* The note takes its major from the header. */
#include <svirt/plugin.h>
#undef SVIRT_ABI_MAJOR
#define SVIRT_ABI_MAJOR 2
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
