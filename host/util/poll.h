// SPDX-License-Identifier: LGPL-2.1-or-later
// Waiting for descriptors up to a deadline.
#pragma once

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>

namespace svirt {

// poll(2), until a moment instead of for a time. Signals do not end it.
inline int PollUntil(pollfd *items, nfds_t count, std::chrono::steady_clock::time_point deadline) {
  using std::chrono::milliseconds, std::chrono::steady_clock;
  for (;;) {
    const int64_t left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    const int ready = ::poll(items, count, static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX)));
    if (ready >= 0 || errno != EINTR) {
      return ready;
    }
  }
}

}  // namespace svirt
