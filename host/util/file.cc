// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and replaces whole files, and makes directories.
#include "host/util/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "host/util/fd.h"

namespace svirt {
namespace {

Status WriteAll(int fd, std::string_view content, const std::string &path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno != EINTR) {
      return SystemError(errno, "cannot write " + path);
    }
    content.remove_prefix(n > 0 ? static_cast<size_t>(n) : 0);
  }
  return {};
}

Result<std::string> ReadAll(int fd, const std::string &path, size_t limit) {
  std::string content;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return SystemError(errno, "cannot read " + path);
    }
    if (n == 0) {
      return content;
    }
    content.append(buffer.data(), static_cast<size_t>(n));
    if (content.size() > limit) {
      return Error{Errc::kInvalid,
                   path + " is larger than " + std::to_string(limit) + " bytes, the most allowed"};
    }
  }
}

}  // namespace

Result<std::string> ReadFile(const std::string &path, size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    return SystemError(errno, "cannot open " + path);
  }
  return ReadAll(fd.get(), path, limit);
}

Result<std::string> ReadRegularFile(const std::string &path, size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) {
    return SystemError(errno, "cannot open " + path);
  }
  struct stat st {};
  if (::fstat(fd.get(), &st) == 0 && !S_ISREG(st.st_mode)) {
    return Error{Errc::kInvalid, path + " is no file; remove what is there in its place"};
  }
  return ReadAll(fd.get(), path, limit);
}

std::string UnfinishedFile(const std::string &path) {
  return path + ".new";
}

Status WriteFileAtomic(const std::string &path, std::string_view content, mode_t mode,
                       Durability durability) {
  const bool sync = durability == Durability::kSynced;
  const std::string directory = std::filesystem::path(path).parent_path().string();
  const std::string temporary = UnfinishedFile(path);
  ::unlink(temporary.c_str());
  const Fd fd(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) {
    return SystemError(errno, "cannot make a file in " + directory);
  }
  Status status = WriteAll(fd.get(), content, temporary);
  if (status.ok() && (::fchmod(fd.get(), mode) != 0 || (sync && ::fsync(fd.get()) != 0) ||
                      ::rename(temporary.c_str(), path.c_str()) != 0)) {
    status = SystemError(errno, "cannot write " + path);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  if (!sync) {
    return {};
  }
  // The rename itself has to reach the disk too.
  const Fd dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir || ::fsync(dir.get()) != 0) {
    return SystemError(errno, "cannot sync " + directory);
  }
  return {};
}

Status MakeDirectories(const std::string &path, mode_t mode) {
  const auto is_there = [&path] {
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
  };
  if (is_there() || ::mkdir(path.c_str(), mode) == 0) {
    return {};
  }
  if (errno == ENOENT) {
    const std::string parent = std::filesystem::path(path).parent_path().string();
    if (parent != path && !parent.empty()) {
      SVIRT_TRY(MakeDirectories(parent, 0755));
      if (::mkdir(path.c_str(), mode) == 0) {
        return {};
      }
    }
  }
  if (errno == EEXIST) {
    if (is_there()) {
      return {};  // somebody else made it meanwhile
    }
    errno = ENOTDIR;
  }
  return SystemError(errno, "cannot make the directory " + path);
}

}  // namespace svirt
