/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Crashes at the end of the process. */
#include <stdlib.h>
#include "base.h"

__attribute__((destructor)) static void crash(void) {
  abort();
}

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
