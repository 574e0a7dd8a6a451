/* SPDX-License-Identifier: MIT */
/* The header alone, twice, and a definition as a plugin writes it, in every dialect. */
#include <svirt/plugin.h>

static const struct svirt_plugin table = {sizeof(struct svirt_plugin),
                                          SVIRT_ABI_MAJOR,
                                          SVIRT_ABI_MINOR,
                                          0,
                                          SVIRT_THREADS_SERIAL,
                                          0,
                                          "x",
                                          "1",
                                          "tests",
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0};

SVIRT_PLUGIN_DEFINE(table, "x", "1", 0, 1);
