// SPDX-License-Identifier: LGPL-2.1-or-later
// Spawns the helper under limits, and collects its report until a deadline.
#include "host/loader/scan_child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "host/loader/scan_report.h"
#include "host/util/fd.h"
#include "host/util/pidfd.h"
#include "host/util/poll.h"

namespace svirt {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxReport = 64 << 10;

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions &) = delete;
  FileActions &operator=(const FileActions &) = delete;
  posix_spawn_file_actions_t *get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class Attributes {
 public:
  Attributes() { posix_spawnattr_init(&attributes_); }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes &) = delete;
  Attributes &operator=(const Attributes &) = delete;
  posix_spawnattr_t *get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

// Above the numbers that the child's own descriptors get, so that none is overwritten.
Result<Fd> MoveUp(int fd) {
  Fd moved(fcntl(fd, F_DUPFD_CLOEXEC, kScanReportFd + 1));
  if (!moved) {
    return SystemError(errno, "cannot duplicate a descriptor for the scanner");
  }
  return moved;
}

struct Pipe {
  Fd read_end, write_end;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return SystemError(errno, "cannot make a pipe for the scanner");
  }
  const Fd read_end(ends[0]), write_end(ends[1]);
  Pipe pipe;
  SVIRT_ASSIGN(pipe.read_end, MoveUp(read_end.get()));
  SVIRT_ASSIGN(pipe.write_end, MoveUp(write_end.get()));
  return pipe;
}

// What the child is given, by our numbers.
struct Descriptors {
  Fd start, plugin, report;
};

Result<pid_t> Spawn(const std::string &scanner, const std::string &path,
                    const std::string &virt_type, int cpu_seconds, const Descriptors &given) {
  FileActions actions;
  posix_spawn_file_actions_adddup2(actions.get(), given.start.get(), STDIN_FILENO);
  for (const int standard : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(actions.get(), standard, "/dev/null", O_RDWR, 0);
  }
  posix_spawn_file_actions_adddup2(actions.get(), given.plugin.get(), kScanPluginFd);
  posix_spawn_file_actions_adddup2(actions.get(), given.report.get(), kScanReportFd);
  posix_spawn_file_actions_addclosefrom_np(actions.get(), kScanReportFd + 1);

  Attributes attributes;
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(attributes.get(), &all);
  posix_spawnattr_setsigmask(attributes.get(), &none);
  posix_spawnattr_setflags(attributes.get(), POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

  std::string name = scanner, path_arg = path, type_arg = virt_type;
  std::string cpu_arg = std::to_string(cpu_seconds);
  char *argv[] = {name.data(), path_arg.data(), type_arg.data(), cpu_arg.data(), nullptr};
  char *environment[] = {nullptr};
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, scanner.c_str(), actions.get(), attributes.get(), argv, environment);
  if (error != 0) {
    return SystemError(error, "cannot run the scanner " + scanner);
  }
  return pid;
}

// Takes what is there. False at the end of the report, or when it is too long to be one.
bool ReadSome(int fd, std::string *text) {
  std::array<char, 4096> part{};
  const ssize_t got = read(fd, part.data(), part.size());
  if (got > 0) {
    text->append(part.data(), static_cast<size_t>(got));
    return text->size() <= kMaxReport;
  }
  return got < 0 && (errno == EINTR || errno == EAGAIN);
}

// True: the child has ended. Collects its report meanwhile.
bool WaitForEnd(int pidfd, int report, Clock::time_point deadline, std::string *text) {
  bool reading = true;
  while (true) {
    std::array<pollfd, 2> fds{pollfd{pidfd, POLLIN, 0}, pollfd{reading ? report : -1, POLLIN, 0}};
    const int ready = PollUntil(fds.data(), fds.size(), deadline);
    if (ready == 0) {
      return false;
    }
    if (ready > 0 && fds[1].revents != 0) {
      reading = ReadSome(report, text);
      continue;  // what it wrote before its end is read to the last byte
    }
    if (ready > 0 && fds[0].revents != 0) {
      return true;
    }
  }
}

// How the child ended.
struct End {
  siginfo_t info{};
  double cpu_seconds = 0;
};

// nullopt: nobody knows, in a program that ignores SIGCHLD.
std::optional<End> EndOf(const Fd &pidfd) {
  End end;
  struct rusage usage {};
  // The C library's waitid() does not give the usage.
  if (syscall(SYS_waitid, P_PIDFD, pidfd.get(), &end.info, WEXITED, &usage) != 0) {
    return std::nullopt;
  }
  for (const timeval &time : {usage.ru_utime, usage.ru_stime}) {
    end.cpu_seconds += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  }
  return end;
}

// What became of one that did not even end by itself.
ScanOutcome JudgeSignal(const End &end, const ScanLimits &limits) {
  using Kind = ScanOutcome::Kind;
  const int signal = end.info.si_status;
  // For the limit the kernel counts ticks, which is far from exact on a busy machine.
  if (signal == SIGKILL && end.cpu_seconds >= limits.cpu_seconds / 2.0) {
    return {Kind::kTimedOut, "it gave no answer in the scanner within " +
                                 std::to_string(limits.cpu_seconds) + " s of processor time"};
  }
  if (signal == SIGKILL) {
    return {Kind::kKilled,
            "something killed the scanner before the answer (SIGKILL), a kernel out of memory "
            "perhaps; try again"};
  }
  const char *name = sigabbrev_np(signal);
  return {Kind::kCrashed, "it crashed in the scanner with signal " + std::to_string(signal) +
                              " (SIG" + (name != nullptr ? name : "?") + ")"};
}

ScanOutcome Judge(const std::string &text, const std::optional<End> &end,
                  const ScanLimits &limits) {
  using Kind = ScanOutcome::Kind;
  if (end.has_value() && end->info.si_code != CLD_EXITED) {
    return JudgeSignal(*end, limits);
  }
  std::optional<ScanReport> report = ParseScanReport(text);
  if (!report.has_value()) {
    return {Kind::kCrashed,
            "it ended the scanner before the answer, with exit status " +
                (end.has_value() ? std::to_string(end->info.si_status) : "unknown")};
  }
  if (!report->sound) {
    return {Kind::kRefused, std::move(report->reason)};
  }
  return {Kind::kSound, "", std::move(report->files)};
}

}  // namespace

Result<ScanOutcome> RunScanner(const std::string &scanner, int fd, const std::string &path,
                               const std::string &virt_type, const ScanLimits &limits) {
  Descriptors given;
  SVIRT_ASSIGN(given.plugin, MoveUp(fd));
  SVIRT_ASSIGN(Pipe report, MakePipe());
  SVIRT_ASSIGN(Pipe start, MakePipe());
  given.report = std::move(report.write_end);
  given.start = std::move(start.read_end);

  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(limits.wall_ms);
  SVIRT_ASSIGN(const pid_t pid, Spawn(scanner, path, virt_type, limits.cpu_seconds, given));
  given = Descriptors();
  const Fd pidfd = PidfdOpen(pid);
  if (!pidfd && errno != ESRCH) {
    const int error = errno;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return SystemError(error, "cannot watch the scanner (pidfd_open needs Linux 5.3)");
  }
  start.write_end.Reset();
  std::string text;
  // Without a pidfd it ended before it even started, and was nobody's child.
  bool ended = !pidfd || WaitForEnd(pidfd.get(), report.read_end.get(), deadline, &text);
  const bool timed_out = !ended;
  if (timed_out) {
    PidfdSignal(pidfd, SIGKILL);
    // A process in an uninterruptible wait stays; it is left behind rather than waited for.
    ended = WaitForEnd(pidfd.get(), -1, Clock::now() + std::chrono::seconds(1), &text);
  }
  // In a program that ignores SIGCHLD the report alone tells.
  const std::optional<End> end = ended && pidfd ? EndOf(pidfd) : std::nullopt;
  if (timed_out) {
    return ScanOutcome{ScanOutcome::Kind::kTimedOut, "it gave no answer in the scanner within " +
                                                         std::to_string(limits.wall_ms) + " ms"};
  }
  return Judge(text, end, limits);
}

}  // namespace svirt
