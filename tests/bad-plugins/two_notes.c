/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two identity notes. */
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);

static const struct {
  uint32_t owner_size, text_size, type;
  char owner[8];
  char text[8];
} second_note SVIRT_NOTE_ATTRIBUTES = {sizeof(SVIRT_NOTE_OWNER), 8, SVIRT_NOTE_TYPE,
                                       SVIRT_NOTE_OWNER, "model=x"};
