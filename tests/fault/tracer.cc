// SPDX-License-Identifier: LGPL-2.1-or-later
// Stops a process at its system calls with ptrace(2), and kills it or makes a call fail.
#include "tests/fault/tracer.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <set>

namespace svirt::fault {
namespace {

// A stop at a system call is told from a SIGTRAP by this bit (PTRACE_O_TRACESYSGOOD).
constexpr int kCallStop = SIGTRAP | 0x80;

class Tracer {
 public:
  Tracer(pid_t child, const Strike &strike, bool follow)
      : child_(child), strike_(strike), follow_(follow) {}

  Result<Outcome> Run() {
    if (auto status = Begin(); !status.ok()) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
      return status.error();
    }
    while (!ended_) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, __WALL);
      if (pid < 0 && errno == EINTR) {
        continue;
      }
      if (pid < 0) {
        return SystemError(errno, "the traced process was lost");
      }
      OnEvent(pid, status);
    }
    return std::move(outcome_);
  }

 private:
  Status Begin() {
    int status = 0;
    if (::waitpid(child_, &status, 0) != child_ || !WIFSTOPPED(status)) {
      return Error{Errc::kSystem, "the child to trace did not start"};
    }
    unsigned long options =
        PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    if (follow_) {
      options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
    }
    if (::ptrace(PTRACE_SETOPTIONS, child_, nullptr, options) != 0) {
      return SystemError(errno, "cannot trace the child");
    }
    GoOn(child_, 0);
    return {};
  }

  static void GoOn(pid_t pid, int signal) {
    // Fails with ESRCH for what was killed meanwhile; its end is reported all the same.
    ::ptrace(PTRACE_SYSCALL, pid, nullptr, signal);
  }

  void OnEvent(pid_t pid, int status) {
    if (!WIFSTOPPED(status)) {
      if (pid == child_) {
        outcome_.status = status;
        ended_ = true;
      }
      return;
    }
    const int signal = WSTOPSIG(status);
    if (signal == kCallStop) {
      OnCall(pid);
    }
    GoOn(pid, signal == kCallStop || IsReport(pid, status) ? 0 : signal);
  }

  // A stop that is for us alone: a clone, fork or exec, or how a new thread or process reports
  // itself.
  bool IsReport(pid_t pid, int status) {
    return status >> 16 != 0 ||
           (WSTOPSIG(status) == SIGSTOP && known_.insert(pid).second && pid != child_);
  }

  void OnCall(pid_t pid) {
    struct __ptrace_syscall_info info {};
    if (::ptrace(static_cast<enum __ptrace_request>(PTRACE_GET_SYSCALL_INFO), pid, sizeof info,
                 &info) <= 0) {
      return;
    }
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      OnEntry(pid, static_cast<long>(info.entry.nr), info.entry.args);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && pid == failing_) {
      failing_ = -1;
      Poke(pid, offsetof(user_regs_struct, rax), -static_cast<long>(outcome_.error));
    }
  }

  void OnEntry(pid_t pid, long number, const uint64_t *args) {
    outcome_.numbers.push_back(number);
    if (!Counts(number)) {
      return;
    }
    if (++outcome_.calls != strike_.call || strike_.action == Strike::Action::kNone) {
      return;
    }
    if (strike_.action == Strike::Action::kKill) {
      outcome_.struck = number;
      ::kill(child_, SIGKILL);
      return;
    }
    const auto errors = ErrorsOf(number);
    if (strike_.error >= errors.size() || IsUnlock(pid, number, args)) {
      return;
    }
    outcome_.struck = number;
    outcome_.error = errors[strike_.error];
    // No system call has this number: nothing is done.
    Poke(pid, offsetof(user_regs_struct, orig_rax), -1);
    failing_ = pid;
  }

  bool Counts(long number) {
    if (number == strike_.since) {
      ++since_seen_;
    }
    return (strike_.since < 0 || since_seen_ >= strike_.since_count) &&
           (strike_.only < 0 || strike_.only == number);
  }

  // Giving a lock back does not fail, and programs rely on it.
  static bool IsUnlock(pid_t pid, long number, const uint64_t *args) {
    if (number != SYS_fcntl || (args[1] != F_SETLK && args[1] != F_SETLKW)) {
      return false;
    }
    const long word = ::ptrace(PTRACE_PEEKDATA, pid, args[2], nullptr);
    struct flock lock {};
    std::memcpy(&lock, &word, sizeof word);
    return lock.l_type == F_UNLCK;
  }

  static void Poke(pid_t pid, size_t offset, long value) {
    ::ptrace(PTRACE_POKEUSER, pid, offset, value);
  }

  const pid_t child_;
  const Strike strike_;
  const bool follow_;
  Outcome outcome_;
  std::set<pid_t> known_;
  uint64_t since_seen_ = 0;
  pid_t failing_ = -1;
  bool ended_ = false;
};

}  // namespace

Result<Outcome> Trace(const std::function<int()> &body, const Strike &strike,
                      const TraceOptions &options) {
  const pid_t child = ::fork();
  if (child < 0) {
    return SystemError(errno, "cannot make a process to trace");
  }
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0 || ::raise(SIGSTOP) != 0) {
      ::_exit(126);
    }
    ::_exit(body());
  }
  return Tracer(child, strike, options.follow).Run();
}

}  // namespace svirt::fault
