/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leaves a thread running. */
#include <pthread.h>
#include <unistd.h>
#define ZOO_PROBE_DOES zoo_start_thread()
static void zoo_start_thread(void);
#include "base.h"

static void *zoo_thread(void *unused) {
  pause();
  return unused;
}

static void zoo_start_thread(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, zoo_thread, NULL);
}

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
