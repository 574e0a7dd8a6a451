// SPDX-License-Identifier: MIT
// Forks for each test, reads its verdict from a pipe, and kills it when its time is over.
#include "plugins/sdk/tools/validate_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iostream>

#include "host/util/fd.h"
#include "host/util/pidfd.h"

namespace svirt::validate {
namespace {

using Clock = std::chrono::steady_clock;

// A pipe takes this many bytes at once, so that neither side ever waits for the other.
constexpr size_t kMaxReason = 3000;

[[noreturn]] void RunAndReport(const Case &test, const Subject &subject, int report) {
  const Verdict verdict = test.run(subject);
  std::string text(1, static_cast<char>('0' + static_cast<int>(verdict.kind)));
  text += verdict.reason.substr(0, kMaxReason);
  const ssize_t written = write(report, text.data(), text.size());
  // exit, not _exit: what the plugin does at the end of the process is part of the test.
  exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
}

bool EndsBefore(int pidfd, Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd fd{pidfd, POLLIN, 0};
    const int ready = poll(&fd, 1, static_cast<int>(std::max<decltype(left)>(left, 0)));
    if (ready >= 0) {
      return ready > 0;
    }
    if (errno != EINTR) {
      return false;
    }
  }
}

Verdict ReadVerdict(int report) {
  std::array<char, kMaxReason + 1> text{};
  const ssize_t got = read(report, text.data(), text.size());
  if (got <= 0 || text[0] < '0' || text[0] > '2') {
    return Fail("it ended the process in the middle of the test");
  }
  return {static_cast<Verdict::Kind>(text[0] - '0'),
          std::string(text.data() + 1, static_cast<size_t>(got - 1))};
}

}  // namespace

Verdict RunInChild(const Case &test, const Subject &subject, int timeout_ms) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    return Fail(SystemError(errno, "cannot make a pipe").message);
  }
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  std::cout.flush();  // or the child would print it again at its end
  // This process has one thread and nothing of the plugin, so that a plain fork will do.
  const pid_t pid = fork();
  if (pid < 0) {
    return Fail(SystemError(errno, "cannot make a process for the test").message);
  }
  if (pid == 0) {
    RunAndReport(test, subject, write_end.get());
  }
  write_end.Reset();
  const Fd pidfd = PidfdOpen(pid);
  const bool ended =
      pidfd && EndsBefore(pidfd.get(), Clock::now() + std::chrono::milliseconds(timeout_ms));
  if (!ended) {
    kill(pid, SIGKILL);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (!ended) {
    return Fail(pidfd ? "it did not end within " + std::to_string(timeout_ms) + " ms"
                      : "pidfd_open needs Linux 5.3");
  }
  if (WIFSIGNALED(status)) {
    return Fail("it crashed with signal " + std::to_string(WTERMSIG(status)) + " (" +
                sigdescr_np(WTERMSIG(status)) + ")");
  }
  return ReadVerdict(read_end.get());
}

}  // namespace svirt::validate
