// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells a process from its forks without a system call.
#pragma once

#include <sys/types.h>

namespace svirt {

class ForkMark {
 public:
  ForkMark();
  ~ForkMark();
  ForkMark(const ForkMark &) = delete;
  ForkMark &operator=(const ForkMark &) = delete;

  // Is this the process in which the mark was made?
  bool IsHere() const;

 private:
  const pid_t process_;
  // In a page that the kernel empties in each fork (MADV_WIPEONFORK, madvise(2)); nullptr where
  // there is none, and the process is asked for each time.
  volatile unsigned char *mark_ = nullptr;
};

}  // namespace svirt
