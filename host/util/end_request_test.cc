// SPDX-License-Identifier: LGPL-2.1-or-later
// Signals that ask for the end are held, told, and obeyed in the end.
#include "host/util/end_request.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <utility>

namespace svirt {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// Signals are the process's: what is tried goes on in one of its own. Returns as waitpid(2) does.
int InAProcess(const std::function<bool()> &work) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      ::signal(signal, SIG_DFL);
    }
    ::_exit(work() ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return status;
}

TEST(EndRequest, IsToldWhileItIsHeldAndNamesTheSignal) {
  for (const auto &[signal, name] :
       {std::pair{SIGINT, "SIGINT ended"}, {SIGTERM, "SIGTERM ended"}, {SIGHUP, "SIGHUP ended"}}) {
    EXPECT_EQ(InAProcess([signal = signal, name = name] {
                HoldEndSignals();
                const bool before = IsAskedToEnd() || !CheckNotAskedToEnd().ok();
                ::kill(::getpid(), signal);
                const Status status = CheckNotAskedToEnd();
                return !before && IsAskedToEnd() && !status.ok() &&
                       status.error().sys_errno == EINTR &&
                       status.error().message.starts_with(name);
              }),
              0)
        << name;
  }
}

// As a command does that was asked too late.
TEST(EndRequest, WhatIsHeldToTheEndEndsNothing) {
  EXPECT_EQ(InAProcess([] {
              HoldEndSignals();
              return ::kill(::getpid(), SIGTERM) == 0;
            }),
            0);
}

TEST(EndRequest, IsOfNoInterestWhereTheSignalIsIgnored) {
  EXPECT_EQ(InAProcess([] {
              ::signal(SIGTERM, SIG_IGN);
              HoldEndSignals();
              ::kill(::getpid(), SIGTERM);
              return !IsAskedToEnd() && CheckNotAskedToEnd().ok();
            }),
            0);
}

TEST(EndRequest, WhatIsHeldEndsTheProcessWhenItIsLetGo) {
  const int status = InAProcess([] {
    HoldEndSignals();
    ::kill(::getpid(), SIGTERM);
    EndAsAsked();
    return true;
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
}

TEST(EndRequest, EndsAPollSoonAndOnlyThen) {
  EXPECT_EQ(InAProcess([] {
              HoldEndSignals();
              std::array<int, 2> ends{};
              if (::pipe(ends.data()) != 0) {
                return false;
              }
              pollfd item{ends[0], POLLIN, 0};
              const auto begin = steady_clock::now();
              if (PollUnlessAskedToEnd(&item, 1, begin + 200ms) != 0 ||
                  steady_clock::now() - begin < 200ms) {
                return false;
              }
              ::alarm(60);
              const pid_t self = ::getpid();
              if (::fork() == 0) {
                ::usleep(100000);
                ::kill(self, SIGTERM);
                ::_exit(0);
              }
              const bool is_ended =
                  PollUnlessAskedToEnd(&item, 1, steady_clock::now() + 30s) == -1 && errno == EINTR;
              return is_ended && steady_clock::now() - begin < 10s;
            }),
            0);
}

}  // namespace
}  // namespace svirt
