// SPDX-License-Identifier: LGPL-2.1-or-later
// Waits, within bounds, for another process that is giving an object its old label back.
#pragma once

#include <chrono>
#include <string>
#include <thread>

#include "host/util/result.h"

namespace svirt {

class UndoWait {
 public:
  // kConflict once it has taken too long.
  Status Pause(const std::string &domain) {
    if (std::chrono::steady_clock::now() - begin_ >= kLimit) {
      return Error{Errc::kConflict, "an object of domain " + domain +
                                        " is being given its old label back by another process, "
                                        "which does not come to an end; try again later"};
    }
    std::this_thread::sleep_for(kPause);
    return {};
  }

 private:
  static constexpr std::chrono::seconds kLimit{10};
  static constexpr std::chrono::milliseconds kPause{2};

  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace svirt
