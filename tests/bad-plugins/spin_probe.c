/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Burns the processor in probe, with every signal blocked and its output pipe full. */
#include <signal.h>
#define ZOO_PROBE_DOES                   \
  sigset_t all;                          \
  sigfillset(&all);                      \
  sigprocmask(SIG_SETMASK, &all, NULL);  \
  for (volatile int i = 0;; i = 1 - i) { \
  }
#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
