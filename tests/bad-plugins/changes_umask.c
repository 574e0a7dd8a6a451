/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes the umask, and that before it is even asked. */
#include <sys/stat.h>
#include "base.h"

__attribute__((constructor)) static void meddle(void) {
  umask(0111);
}

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
