// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs the scanner helper for one plugin, and judges how it ended.
#pragma once

#include <string>
#include <vector>

#include "host/loader/used_files.h"
#include "host/util/result.h"

namespace svirt {

// What became of a plugin in the scanner.
struct ScanOutcome {
  enum class Kind {
    kSound,
    kRefused,   // broke a rule
    kCrashed,   // the helper died, or gave no answer
    kTimedOut,  // no answer before one of the limits
    kKilled,    // by somebody else, such as a kernel out of memory: nothing to be remembered
  };
  Kind kind = Kind::kCrashed;
  std::string reason;             // no subject; "" if sound
  std::vector<UsedFile> files{};  // of a sound one: what it depends on, if that could be told
};

// What it may take at most. The clock runs on a starved host too, where the plugin has no part in
// it, so that limit is to be the much longer one.
struct ScanLimits {
  int cpu_seconds = 0;
  int wall_ms = 0;
};

// Starts the scanner for the plugin behind fd, in a process of its own with an empty environment,
// and waits for its end, within the limits (and a second more for the kernel to take it away).
// The error is about the helper itself: it cannot be run.
Result<ScanOutcome> RunScanner(const std::string &scanner, int fd, const std::string &path,
                               const std::string &virt_type, const ScanLimits &limits);

}  // namespace svirt
