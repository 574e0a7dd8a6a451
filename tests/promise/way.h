/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a probe makes its system calls: in this process, or in another one that is traced. */
#ifndef SVIRT_TESTS_PROMISE_WAY_H_
#define SVIRT_TESTS_PROMISE_WAY_H_

#include <stddef.h>

struct way {
  /* What the kernel returns: a negative number is an error. */
  long (*call)(struct way *way, long number, const long arguments[6]);
  /* Copies bytes to where the calls find them, zeros if there are none, and returns the address. */
  long (*place)(struct way *way, const void *bytes, size_t size);
  /* Copies back what a call left at an address. */
  void (*fetch)(struct way *way, long address, void *bytes, size_t size);
};

#endif /* SVIRT_TESTS_PROMISE_WAY_H_ */
