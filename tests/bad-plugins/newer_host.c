/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Needs a host that is newer than this one. */
#define ZOO_MIN_HOST 4
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
