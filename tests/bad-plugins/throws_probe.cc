// SPDX-License-Identifier: LGPL-2.1-or-later
// Throws in probe. The ABI's slots are noexcept in C++, so this ends in std::terminate.
#include <stdexcept>

[[noreturn]] static void Throw() {
  throw std::runtime_error("thrown in probe");
}
#define ZOO_PROBE_DOES Throw()

#include "base.h"

SVIRT_PLUGIN_DEFINE(zoo_table, ZOO_MODEL, "1", ZOO_MIN_HOST, ZOO_PRIORITY);
