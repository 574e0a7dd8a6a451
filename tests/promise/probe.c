/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* probe NAME ARGUMENTS...: makes one try of probes.c in this very process. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/promise/probes.h"

static long call_here(struct way *way, long number, const long arguments[6]) {
  (void)way;
  const long answer = syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                              arguments[4], arguments[5]);
  return answer == -1 ? -errno : answer;
}

static long place_here(struct way *way, const void *bytes, size_t size) {
  (void)way;
  void *copy = calloc(1, size);
  if (copy == NULL) {
    perror("memory");
    exit(2);
  }
  if (bytes != NULL) {
    memcpy(copy, bytes, size);
  }
  return (long)copy; /* it lives as long as the process, which makes one try */
}

static void fetch_here(struct way *way, long address, void *bytes, size_t size) {
  (void)way;
  const union {
    long number;
    const void *pointer;
  } from = {address};
  if (from.pointer != NULL) {
    memcpy(bytes, from.pointer, size);
  }
}

int main(int argc, char **argv) {
  struct way here = {call_here, place_here, fetch_here};
  alarm(10); /* a try that waits has not been answered */
  return probe_main(&here, argc - 1, argv + 1);
}
