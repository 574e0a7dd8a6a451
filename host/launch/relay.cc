// SPDX-License-Identifier: LGPL-2.1-or-later
// Copies between pipes with poll(2), and passes signals on.
#include "host/launch/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "host/util/pidfd.h"

namespace svirt {
namespace {

sigset_t PassedOn() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    sigaddset(&set, signal);
  }
  return set;
}

Status MakePipe(Fd *read_end, Fd *write_end) {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) {
    return SystemError(errno, "cannot make a pipe");
  }
  read_end->Reset(fds[0]);
  write_end->Reset(fds[1]);
  return {};
}

// Moves what is there. false: the end of one side is reached.
bool CopySome(int from, int to) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::read(from, buffer.data(), buffer.size());
  if (got < 0) {
    return errno == EINTR || errno == EAGAIN;
  }
  for (ssize_t done = 0; done < got;) {
    const ssize_t n = ::write(to, buffer.data() + done, static_cast<size_t>(got - done));
    if (n < 0 && errno != EINTR) {
      return false;
    }
    done += n > 0 ? n : 0;
  }
  return got > 0;
}

void PassOnSignal(int signal_fd, const Child &child) {
  signalfd_siginfo info{};
  if (::read(signal_fd, &info, sizeof info) == sizeof info && info.ssi_signo != SIGPIPE) {
    // A child that has just ended is noticed by its descriptor.
    PidfdSignal(child.pidfd, static_cast<int>(info.ssi_signo));
  }
}

}  // namespace

BlockedSignals::BlockedSignals() : before_() {
  const sigset_t set = PassedOn();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

BlockedSignals::~BlockedSignals() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Result<Relay> Relay::Open() {
  Relay relay;
  SVIRT_TRY(MakePipe(&relay.stdin_read_, &relay.stdin_write_));
  SVIRT_TRY(MakePipe(&relay.stdout_read_, &relay.stdout_write_));
  SVIRT_TRY(MakePipe(&relay.stderr_read_, &relay.stderr_write_));
  return relay;
}

std::vector<LaunchSpec::InheritFd> Relay::child_fds() const {
  return {{stdin_read_.get(), STDIN_FILENO},
          {stdout_write_.get(), STDOUT_FILENO},
          {stderr_write_.get(), STDERR_FILENO}};
}

Status Relay::Pump(const Child &child) && {
  stdin_read_.Reset();
  stdout_write_.Reset();
  stderr_write_.Reset();
  const sigset_t set = PassedOn();
  const Fd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) {
    return SystemError(errno, "cannot watch for signals");
  }

  enum { kStdin, kStdout, kStderr, kSignals, kChild, kCount };
  std::array<pollfd, kCount> fds{};
  fds[kStdin] = {STDIN_FILENO, POLLIN, 0};
  fds[kStdout] = {stdout_read_.get(), POLLIN, 0};
  fds[kStderr] = {stderr_read_.get(), POLLIN, 0};
  fds[kSignals] = {signals.get(), POLLIN, 0};
  fds[kChild] = {child.last().get(), POLLIN, 0};
  while (true) {
    // Once the child has ended only what it left in the pipes matters: a grandchild that keeps
    // them open must not hold us.
    const bool ended = fds[kChild].fd < 0;
    const int ready = ::poll(fds.data(), fds.size(), ended ? 0 : -1);
    if (ready < 0 && errno != EINTR) {
      return SystemError(errno, "cannot wait for the program");
    }
    if (ready <= 0) {
      if (ended) {
        return {};
      }
      continue;
    }
    if (fds[kStdout].revents != 0 && !CopySome(stdout_read_.get(), STDOUT_FILENO)) {
      fds[kStdout].fd = -1;
    }
    if (fds[kStderr].revents != 0 && !CopySome(stderr_read_.get(), STDERR_FILENO)) {
      fds[kStderr].fd = -1;
    }
    if (fds[kStdin].revents != 0 && !CopySome(STDIN_FILENO, stdin_write_.get())) {
      fds[kStdin].fd = -1;
      stdin_write_.Reset();
    }
    if (fds[kSignals].revents != 0) {
      PassOnSignal(signals.get(), child);
    }
    if (fds[kChild].revents != 0) {
      fds[kChild].fd = fds[kStdin].fd = fds[kSignals].fd = -1;
    }
  }
}

}  // namespace svirt
