/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Needs a library that is not installed. */
#include "base.h"

int zoo_from_missing_library(void);
int (*const zoo_missing_reference)(void) = zoo_from_missing_library;

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
