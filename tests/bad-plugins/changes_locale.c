/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes the locale. */
#include <locale.h>
#define ZOO_PROBE_DOES setlocale(LC_ALL, "C.UTF-8")
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
