/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The entry point returns nothing. */
#include "base.h"

#define zoo_nothing (*(const struct svirt_plugin *)NULL)
SVIRT_PLUGIN_DEFINE(zoo_nothing, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
