/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Not a plugin: the library that missing_dependency needs and never finds. */
#include "base.h"

int zoo_from_missing_library(void);
int zoo_from_missing_library(void) {
  return 0;
}
