/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks for libraries beside itself. */
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
