// SPDX-License-Identifier: LGPL-2.1-or-later
// Holds the signals that ask a program to end, and tells whether one has come.
#include "host/util/end_request.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "host/util/poll.h"

namespace svirt {
namespace {

using std::chrono::milliseconds, std::chrono::steady_clock;

constexpr std::array kEndSignals{SIGINT, SIGTERM, SIGHUP};
constexpr milliseconds kLook{50};

sigset_t EndSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : kEndSignals) {
    ::sigaddset(&set, signal);
  }
  return set;
}

// 0: none.
int WaitingSignal() {
  sigset_t waiting;
  if (::sigpending(&waiting) != 0) {
    return 0;
  }
  const auto *const found = std::ranges::find_if(kEndSignals, [&](int signal) {
    struct sigaction now {};
    return ::sigismember(&waiting, signal) == 1 && ::sigaction(signal, nullptr, &now) == 0 &&
           ((now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_IGN);
  });
  return found != kEndSignals.end() ? *found : 0;
}

}  // namespace

void HoldEndSignals() {
  // Nobody reads what is said any more: that does not end what is half done.
  ::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = EndSignals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool IsAskedToEnd() {
  return WaitingSignal() != 0;
}

Status CheckNotAskedToEnd() {
  const int signal = WaitingSignal();
  return signal == 0 ? Status()
                     : Error{Errc::kSystem,
                             std::string("SIG") + ::sigabbrev_np(signal) +
                                 " ended this before it was done, so what it had begun is undone",
                             EINTR};
}

int PollUnlessAskedToEnd(pollfd *items, nfds_t count, steady_clock::time_point deadline) {
  for (;;) {
    if (IsAskedToEnd()) {
      errno = EINTR;
      return -1;
    }
    const auto look = steady_clock::now() + kLook;
    const int ready = PollUntil(items, count, std::min(look, deadline));
    if (ready != 0 || look >= deadline) {
      return ready;
    }
  }
}

void EndAsAsked() {
  const sigset_t set = EndSignals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace svirt
