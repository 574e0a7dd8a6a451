/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers with a status that the ABI does not have. */
#define ZOO_PROBE_STATUS 77
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
