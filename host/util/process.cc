// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads start times from /proc, and asks a pidfd whether a thread is left.
#include "host/util/process.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <mutex>
#include <sstream>

#include "host/util/file.h"
#include "host/util/pidfd.h"

namespace svirt {
namespace {

struct ProcStat {
  char state = '?';
  uint64_t start_time = 0;
};

Result<ProcStat> ReadProcStat(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  SVIRT_ASSIGN(const std::string text, ReadFile(path, 65536));
  // The second field is the command in parentheses and may itself hold anything, ")" too.
  const size_t end = text.rfind(')');
  if (end == std::string::npos) {
    return Error{Errc::kSystem, path + " is not in the form proc(5) gives"};
  }
  std::istringstream fields(text.substr(end + 1));
  ProcStat stat;
  fields >> stat.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) {
    fields >> skipped;
  }
  if (!(fields >> stat.start_time)) {
    return Error{Errc::kSystem, path + " is not in the form proc(5) gives"};
  }
  return stat;
}

// Read once per process, since the kernel takes its time to tell it. 0: it cannot be read.
uint64_t OwnStartTime() {
  static std::mutex mutex;
  static pid_t pid = 0;
  static uint64_t start_time = 0;
  const std::lock_guard lock(mutex);
  if (pid != ::getpid()) {
    const auto stat = ReadProcStat(::getpid());
    start_time = stat.ok() ? stat->start_time : 0;
    pid = stat.ok() ? ::getpid() : 0;
  }
  return start_time;
}

// What /proc says of a process is about its main thread, which may end long before the others. A
// descriptor of the process tells of all: it is readable when none is left.
bool HasLivingThread(const ProcessId &process) {
  const Fd pidfd = PidfdOpen(process.pid);
  if (!pidfd) {
    return errno != ESRCH;
  }
  // Only now: before, another could have taken its pid meanwhile.
  const auto stat = ReadProcStat(process.pid);
  if (stat.ok() && stat->start_time != process.start_time) {
    return false;
  }
  return !PidfdEndsWithin(pidfd, std::chrono::milliseconds(0));
}

}  // namespace

// Read once: it is a constant of the kernel that runs this process.
Result<std::string> BootId() {
  static std::mutex mutex;
  static std::string id;
  const std::lock_guard lock(mutex);
  if (id.empty()) {
    SVIRT_ASSIGN(id, ReadFile("/proc/sys/kernel/random/boot_id", 128));
    while (!id.empty() && id.back() == '\n') {
      id.pop_back();
    }
  }
  return id;
}

Result<ProcessId> IdentifyProcess(pid_t pid) {
  SVIRT_ASSIGN(std::string boot_id, BootId());
  auto stat = ReadProcStat(pid);
  if (!stat.ok()) {
    return Error{Errc::kNotFound, "there is no process " + std::to_string(pid)};
  }
  return ProcessId{std::move(boot_id), pid, stat->start_time};
}

bool IsRunning(const ProcessId &process) {
  const auto boot_id = BootId();
  if (boot_id.ok() && *boot_id != process.boot_id) {
    return false;
  }
  if (process.pid == ::getpid()) {
    const uint64_t own = OwnStartTime();
    return own == 0 || process.start_time == own;
  }
  const auto stat = ReadProcStat(process.pid);
  if (!stat.ok()) {
    // A process that ends while its file is read gives ESRCH.
    return stat.error().code != Errc::kNotFound && stat.error().sys_errno != ESRCH;
  }
  if (stat->start_time != process.start_time) {
    return false;
  }
  const bool main_thread_ended = stat->state == 'Z' || stat->state == 'X';
  return !main_thread_ended || HasLivingThread(process);
}

bool HasLostItsMainThread(const ProcessId &process) {
  const auto stat = ReadProcStat(process.pid);
  return stat.ok() && (stat->state == 'Z' || stat->state == 'X') && IsRunning(process);
}

}  // namespace svirt
