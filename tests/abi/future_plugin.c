/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plugin built with the header of ABI 1.1: its table is longer and has a hint that hosts of 1.0
 * do not know. With -DZOO_MIN_HOST=1 it is one that cannot live with them. */
#define ZOO_FLAGS 0x1u
/* The table of the zoo stops where 1.0 does; what 1.1 appended is NULL. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include "tests/bad-plugins/base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
