/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Needs another plugin. */
#include "base.h"

extern const void *zoo_peer(void);
const void *(*const zoo_peer_reference)(void) = zoo_peer;

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
