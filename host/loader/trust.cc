// SPDX-License-Identifier: LGPL-2.1-or-later
// Judges owner and mode of files and of each directory on the way, and lists plugin files.
#include "host/loader/trust.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <set>
#include <system_error>

namespace svirt {
namespace {

Error Failed(int err, const std::string &sentence) {
  return Error{Errc::kRefused, sentence + ": " + std::generic_category().message(err), err};
}

std::string Octal(mode_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

// subject: "directory /x" or "the file"; target: what a command line would name.
Status JudgeOwnerAndMode(const struct stat &status, const std::string &subject,
                         const std::string &target) {
  const uid_t self = geteuid();
  if (status.st_uid != 0 && status.st_uid != self) {
    return Refusal(subject + " belongs to uid " + std::to_string(status.st_uid) + ", not to " +
                   (self == 0 ? "root" : "root or uid " + std::to_string(self)) +
                   "; run chown root " + target);
  }
  // The group bits also show the mask of a POSIX ACL, so named users cannot hide from this.
  const bool group = (status.st_mode & S_IWGRP) != 0, world = (status.st_mode & S_IWOTH) != 0;
  if (group || world) {
    // A sticky directory such as /tmp is open to all on purpose.
    const std::string remedy =
        (status.st_mode & S_ISVTX) != 0
            ? "move the plugins to a place that only root may write to"
            : std::string("run chmod ") + (group ? "g" : "") + (world ? "o" : "") + "-w " + target;
    return Refusal(subject + " is " +
                   (group && world ? "group- and world"
                    : group        ? "group"
                                   : "world") +
                   "-writable (mode " + Octal(status.st_mode) + "); " + remedy);
  }
  return {};
}

std::vector<std::string> Components(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") {
      parts.emplace_back(part);
    }
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

// Is the directory `below` the directory `root`, or that itself?
bool StartsWith(const std::vector<std::string> &below, const std::vector<std::string> &root) {
  return root.size() <= below.size() && std::equal(root.begin(), root.end(), below.begin());
}

// Opens what name is in the directory, or says why it is no directory to walk through.
Status StepInto(int parent, const std::string &name, const std::string &path, Opened *at) {
  Fd next(openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC));
  if (!next) {
    const int err = errno;
    at->fd.Reset();
    struct stat link {};
    if (fstatat(parent, name.c_str(), &link, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(link.st_mode)) {
      return Refusal("directory " + path +
                     " is a symbolic link; name the directory it leads to instead");
    }
    return Failed(err, "cannot open directory " + path);
  }
  at->fd = std::move(next);
  if (fstat(at->fd.get(), &at->status) != 0) {
    const int err = errno;
    at->fd.Reset();
    return Failed(err, "cannot examine directory " + path);
  }
  return {};
}

const char *TypeName(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a FIFO";
    case S_IFDIR:
      return "a directory";
    case S_IFSOCK:
      return "a socket";
    default:
      return "a device";
  }
}

constexpr std::string_view kPrefix = "svirt-", kSuffix = ".so";

int64_t Nanoseconds(const struct timespec &time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

// When names came or went in the directory; nullopt: so lately that the clock of the file system
// may not tell the next time from it.
std::optional<int64_t> QuietSince(int directory) {
  struct stat status {};
  if (fstat(directory, &status) != 0) {
    return std::nullopt;
  }
  const int64_t changed = Nanoseconds(status.st_mtim);
  return FileClockNow() - changed > kFileClockTicks ? std::optional(changed) : std::nullopt;
}

// Adds the names of one reading. A file that is renamed meanwhile may be in none of the places that
// are read.
Status ReadPluginNames(int directory, std::set<std::string> *names) {
  Fd readable(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!readable) {
    return SystemError(errno, "cannot read the directory");
  }
  const auto close_dir = [](DIR *dir) { closedir(dir); };
  const std::unique_ptr<DIR, decltype(close_dir)> dir(fdopendir(readable.get()), close_dir);
  if (dir == nullptr) {
    return SystemError(errno, "cannot read the directory");
  }
  readable.Release();
  errno = 0;
  while (const dirent *entry = readdir(dir.get())) {
    if (IsPluginFileName(entry->d_name)) {
      names->insert(entry->d_name);
    }
  }
  return errno == 0 ? Status() : SystemError(errno, "cannot read the directory");
}

bool IsRunningProgram(const struct stat &status) {
  static const auto program = [] {
    struct stat own {};
    return stat("/proc/self/exe", &own) == 0 ? std::optional(own) : std::nullopt;
  }();
  return program && program->st_dev == status.st_dev && program->st_ino == status.st_ino;
}

}  // namespace

int64_t FileClockNow() {
  struct timespec now {};
  clock_gettime(CLOCK_REALTIME, &now);
  return Nanoseconds(now);
}

FileIdentity IdentityOf(const struct stat &status) {
  FileIdentity id;
  id.device = status.st_dev;
  id.inode = status.st_ino;
  id.size = static_cast<uint64_t>(status.st_size);
  id.modified_ns = Nanoseconds(status.st_mtim);
  id.changed_ns = Nanoseconds(status.st_ctim);
  return id;
}

Opened OpenTrustedDirectory(const std::string &path, const std::string &trusted_root) {
  const std::vector<std::string> parts = Components(path);
  const std::vector<std::string> root_parts = Components(trusted_root);
  const bool from_root = StartsWith(parts, root_parts);
  std::string here = from_root && !root_parts.empty() ? trusted_root : "/";

  Opened at;
  at.verdict = StepInto(AT_FDCWD, here, here, &at);
  if (at.fd) {
    at.verdict = JudgeOwnerAndMode(at.status, "directory " + here, here);
  }
  // After a refusal the walk goes on, only to find the files that are to be named in it.
  Status first_refusal = at.verdict;
  for (size_t i = from_root ? root_parts.size() : 0; i < parts.size() && at.fd; ++i) {
    here += here.back() == '/' ? parts[i] : "/" + parts[i];
    const Fd parent = std::move(at.fd);
    const Status step = StepInto(parent.get(), parts[i], here, &at);
    if (step.ok()) {
      at.verdict = JudgeOwnerAndMode(at.status, "directory " + here, here);
    } else {
      at.verdict = step.error().sys_errno == ENOENT ? Status() : step;
    }
    if (first_refusal.ok()) {
      first_refusal = at.verdict;
    }
  }
  at.verdict = first_refusal;
  return at;
}

Opened JudgeFile(Fd file, const std::string &path, uint64_t max_bytes) {
  Opened opened;
  opened.fd = std::move(file);
  if (fstat(opened.fd.get(), &opened.status) != 0) {
    opened.verdict = Failed(errno, "the file cannot be examined");
    opened.fd.Reset();
    return opened;
  }
  const struct stat &status = opened.status;
  if (!S_ISREG(status.st_mode)) {
    opened.verdict =
        Refusal(std::string("it is ") + TypeName(status.st_mode) + ", not a regular file");
    opened.fd.Reset();
  } else if (IsRunningProgram(status)) {
    opened.verdict = Refusal("it is the running program itself");
  } else if (static_cast<uint64_t>(status.st_size) > max_bytes) {
    opened.verdict = Refusal("it has " + std::to_string(status.st_size) + " bytes, more than the " +
                             std::to_string(max_bytes >> 20) + " MiB a plugin may have");
  } else {
    opened.verdict = JudgeOwnerAndMode(status, "the file", path);
  }
  return opened;
}

Opened OpenTrustedFile(int directory, const std::string &name, const std::string &path,
                       uint64_t max_bytes) {
  Opened opened;
  struct stat before {};
  if (fstatat(directory, name.c_str(), &before, AT_SYMLINK_NOFOLLOW) != 0) {
    opened.verdict = Failed(errno, "it cannot be examined");
    return opened;
  }
  opened.status = before;
  // Asked before the open because opening a device may do something; what counts is the fstat of
  // the descriptor afterwards.
  if (!S_ISREG(before.st_mode)) {
    opened.verdict =
        Refusal(std::string("it is ") + TypeName(before.st_mode) + ", not a regular file");
    return opened;
  }
  Fd file(
      openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    opened.verdict = Failed(errno, "it cannot be opened");
    return opened;
  }
  return JudgeFile(std::move(file), path, max_bytes);
}

bool IsPluginFileName(std::string_view name) {
  if (name.size() <= kPrefix.size() + kSuffix.size() || name.substr(0, kPrefix.size()) != kPrefix ||
      name.substr(name.size() - kSuffix.size()) != kSuffix) {
    return false;
  }
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string PluginFileName(std::string_view model) {
  return std::string(kPrefix) + std::string(model) + std::string(kSuffix);
}

std::string ModelOfFileName(std::string_view name) {
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  return std::string(name);
}

Result<std::vector<std::string>> ListPluginNames(int directory, size_t max_count,
                                                 const std::vector<std::string> &wanted) {
  constexpr int kMostReadings = 8;
  std::set<std::string> names(wanted.begin(), wanted.end()), last;
  bool is_quiet = false;
  for (int i = 0; i < kMostReadings && !is_quiet; ++i) {
    last.clear();
    const auto quiet = QuietSince(directory);
    SVIRT_TRY(ReadPluginNames(directory, &last));
    is_quiet = quiet && QuietSince(directory) == quiet;
    names.insert(last.begin(), last.end());
  }
  // A single name is looked up in one step, unlike a directory read.
  std::erase_if(names, [&](const std::string &name) {
    struct stat status {};
    return !(is_quiet && last.count(name) != 0) &&
           fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
  });
  if (names.size() > max_count) {
    return Refusal("it holds more than " + std::to_string(max_count) + " plugins");
  }
  return std::vector<std::string>(names.begin(), names.end());
}

bool IsPlainAbsolutePath(std::string_view path) {
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string_view::npos) {
    return false;
  }
  const std::vector<std::string> parts = Components(path);
  return std::find(parts.begin(), parts.end(), "..") == parts.end();
}

}  // namespace svirt
