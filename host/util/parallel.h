// SPDX-License-Identifier: LGPL-2.1-or-later
// The same work on many items, in several threads.
#pragma once

#include <csignal>
#include <cstddef>
#include <functional>

#include "host/util/result.h"

namespace svirt {

// Threads that begin while it lives take no signals: they are the program's own.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked &) = delete;
  SignalsBlocked &operator=(const SignalsBlocked &) = delete;

 private:
  sigset_t before_;
};

// Calls work(0) to work(count - 1), in any order, in several threads if there are enough of them to
// be worth it. After a failure no new one is begun, and one of the failures is returned. The
// threads take no signals.
Status ForEach(size_t count, const std::function<Status(size_t)> &work);

// Calls work(0) to work(count - 1) for work that waits for others: all at the same time, as far as
// there can be that many threads. They take no signals either.
void ForAllAtOnce(size_t count, const std::function<void(size_t)> &work);

}  // namespace svirt
