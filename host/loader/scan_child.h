// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "host/util/result.h"

namespace svirt {

// What became of a plugin in the scanner.
struct ScanOutcome {
  enum class Kind {
    kSound,
    kRefused,   // broke a rule
    kCrashed,   // the helper died, or gave no answer
    kTimedOut,  // no answer before the deadline
  };
  Kind kind = Kind::kCrashed;
  std::string reason;  // no subject; "" if sound
};

// Starts the scanner for the plugin behind fd, in a process of its own with an empty environment,
// and waits for its end, at most timeout_ms (and a second more for the kernel to take it away).
// The error is about the helper itself: it cannot be run.
Result<ScanOutcome> RunScanner(const std::string &scanner, int fd, const std::string &path,
                               const std::string &virt_type, int timeout_ms);

}  // namespace svirt
