/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of probes: what a program that has been taken over could try. */
#ifndef SVIRT_TESTS_PROMISE_PROBES_H_
#define SVIRT_TESTS_PROMISE_PROBES_H_

#include "tests/promise/way.h"

/*
 * main() of a program that makes one try: NAME ARGUMENTS... Returns 0 if it worked. 1: it was
 * refused, the name of the error is printed. 2: there is no such probe, or it lacks an argument.
 */
int probe_main(struct way *way, int count, char **words);

#endif /* SVIRT_TESTS_PROMISE_PROBES_H_ */
