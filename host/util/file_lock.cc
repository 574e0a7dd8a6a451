// SPDX-License-Identifier: LGPL-2.1-or-later
// Takes a lock file within a time, and tells who holds it.
#include "host/util/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <thread>

#include "host/util/end_request.h"
#include "host/util/file.h"
#include "host/util/text.h"

namespace svirt {
namespace {

using std::chrono::milliseconds, std::chrono::steady_clock;

constexpr milliseconds kFirstPause{1};
constexpr milliseconds kLongestPause{100};
constexpr size_t kMostOfProc = 4u << 20;
constexpr size_t kMostOfCommand = 200;

// Does the process have the very file open? nullopt: this user may not see that.
std::optional<bool> HasOpen(pid_t pid, const struct stat &file) {
  std::error_code error;
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
  std::filesystem::directory_iterator entry(directory, error);
  for (const std::filesystem::directory_iterator end; !error && entry != end;
       entry.increment(error)) {
    struct stat st {};
    if (::stat(entry->path().c_str(), &st) == 0 && st.st_dev == file.st_dev &&
        st.st_ino == file.st_ino) {
      return true;
    }
  }
  return error ? std::nullopt : std::optional(false);
}

LockHolder DescribeProcess(pid_t pid) {
  LockHolder holder;
  holder.pid = pid;
  const std::string directory = "/proc/" + std::to_string(pid);
  if (auto command = ReadFile(directory + "/cmdline", kMostOfProc); command.ok()) {
    while (!command->empty() && command->back() == '\0') {
      command->pop_back();
    }
    const size_t slash = command->substr(0, command->find('\0')).rfind('/');
    command->erase(0, slash == std::string::npos ? 0 : slash + 1);
    std::ranges::replace(*command, '\0', ' ');
    holder.command = Printable(command->substr(0, kMostOfCommand));
  }
  if (const auto stat = ReadFile(directory + "/stat", kMostOfProc); stat.ok()) {
    const size_t end = stat->rfind(") ");
    holder.is_stopped = end != std::string::npos && end + 2 < stat->size() &&
                        ((*stat)[end + 2] == 'T' || (*stat)[end + 2] == 't');
  }
  return holder;
}

// When the one who holds it has taken it: he touches the file.
std::string Since(const Fd &lock) {
  struct stat st {};
  std::tm local{};
  std::array<char, 64> text{};
  if (::fstat(lock.get(), &st) != 0 || ::localtime_r(&st.st_mtim.tv_sec, &local) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local) == 0) {
    return "a time that cannot be told";
  }
  return text.data();
}

Error Busy(const std::string &path, const Fd &lock, const std::string &ending) {
  const auto holder = FindLockHolder(path, LockKind::kFlock);
  return Error{Errc::kConflict, (holder ? holder->Describe() : std::string("another process")) +
                                    " has held the lock " + path + " since " + Since(lock) + "; " +
                                    ending};
}

}  // namespace

Result<Fd> LockFile(const std::string &path, milliseconds patience) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600));
  if (!fd) {
    return SystemError(errno, "cannot open the lock " + path);
  }
  const auto deadline = steady_clock::now() + patience;
  for (milliseconds pause = kFirstPause; ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
       pause = std::min(pause + kFirstPause, kLongestPause)) {
    if (errno == EINTR) {
      continue;
    }
    if (errno != EWOULDBLOCK) {
      return SystemError(errno, "cannot take the lock " + path);
    }
    if (IsAskedToEnd()) {
      return Busy(path, fd, "waiting for it was ended by a signal");
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) {
      return Busy(path, fd, "try again when it has ended");
    }
    std::this_thread::sleep_for(std::min(pause, left));
  }
  ::futimens(fd.get(), nullptr);
  return fd;
}

std::string LockHolder::Describe() const {
  std::string text = "process " + std::to_string(pid);
  if (!command.empty()) {
    text += " (" + command + ")";
  }
  if (is_stopped) {
    text += ", which is stopped and goes on after 'kill -CONT " + std::to_string(pid) + "',";
  }
  return text;
}

// The kernel names the device of an inode there by a number of its own, which on some file systems
// is not the one of stat(2); so the number of the inode finds those who may be meant, and their
// descriptors tell who is.
std::optional<LockHolder> FindLockHolder(const std::string &path, LockKind kind) {
  struct stat file {};
  const auto locks = ReadFile("/proc/locks", kMostOfProc);
  if (!locks.ok() || ::stat(path.c_str(), &file) != 0) {
    return std::nullopt;
  }
  std::istringstream lines(*locks);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string number, type, strictness, mode, inode;
    pid_t pid = -1;
    // Those who wait have an arrow in front of the type.
    if (!(fields >> number >> type >> strictness >> mode >> pid >> inode) ||
        type != (kind == LockKind::kFlock ? "FLOCK" : "POSIX") || mode != "WRITE" || pid <= 0 ||
        (kind == LockKind::kPosix && pid == ::getpid()) ||
        !inode.ends_with(":" + std::to_string(file.st_ino))) {
      continue;
    }
    if (HasOpen(pid, file).value_or(true)) {
      return DescribeProcess(pid);
    }
  }
  return std::nullopt;
}

}  // namespace svirt
