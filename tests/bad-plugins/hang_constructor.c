/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Never comes back from being loaded. */
#include <unistd.h>
#include "base.h"

__attribute__((constructor)) static void hang(void) {
  while (1) {
    pause();
  }
}

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
