/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An entry point, but no identity note. */
#include "base.h"

const struct svirt_plugin *svirt_plugin_v1(void) {
  return &zoo_table;
}
