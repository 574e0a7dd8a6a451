// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds out which rights and scopes the kernel supports.
#pragma once

#include <svirt/plugin.h>

#include <string>

#include "kernel.h"

namespace svirt::landlock {

// What this kernel's Landlock can withhold.
struct Features {
  int abi = 0;          // the level the kernel claims; for messages only
  uint64_t rights = 0;  // file system rights that a ruleset can handle
  uint64_t scopes = 0;  // kScope* that a ruleset can have
};

// Finds out by use: a ruleset is made with each right and scope alone, and what the kernel refuses
// is left out, because kernels with backports claim levels that they do not fully have. Then one
// ruleset with all that is left gets a real rule. Whether a process can be restricted with it is
// not tried: that cannot be undone, and a plugin has no process to spare; the host's child does
// it, and does not go on if it fails.
// SVIRT_OK; SVIRT_INACTIVE where Landlock is not there; else an error. reason is filled always.
svirt_status ProbeFeatures(const KernelCalls &kernel, Features *features, svirt_error *reason);

// What this kernel cannot withhold although a younger one can: "truncate, signals", or "".
std::string MissingWords(const Features &features);

}  // namespace svirt::landlock
