// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads the administrator's files, and refuses those that others could have written.
#include "local_policy.h"

#include <fcntl.h>
#include <svirt/sdk.h>
#include <svirt/sdk_fd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace svirt::apparmor {

namespace {

constexpr off_t kMostBytes = off_t{256} * 1024;

using sdk::Fail;

// found stays false if there is no such file.
svirt_status ReadTrusted(const std::string &path, std::string *text, bool *found,
                         svirt_error *error) {
  const sdk::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) {
    return SVIRT_OK;
  }
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) {
    return Fail(error, errno == EACCES ? SVIRT_E_DENIED : SVIRT_E_SYSTEM, errno,
                "cannot read %s: %s", path.c_str(), std::strerror(errno));
  }
  if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != ::geteuid()) ||
      (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Fail(error, SVIRT_E_INVALID, 0,
                "%s decides what a domain may do, but others than its administrator can write it: "
                "make it a file of root's with mode 0644",
                path.c_str());
  }
  if (st.st_size > kMostBytes) {
    return Fail(error, SVIRT_E_INVALID, EFBIG, "%s is larger than %ld bytes", path.c_str(),
                static_cast<long>(kMostBytes));
  }
  text->resize(static_cast<size_t>(st.st_size));
  const ssize_t size = ::pread(fd.get(), text->data(), text->size(), 0);
  if (size < 0) {
    return Fail(error, SVIRT_E_SYSTEM, errno, "cannot read %s: %s", path.c_str(),
                std::strerror(errno));
  }
  text->resize(static_cast<size_t>(size));
  *found = true;
  return SVIRT_OK;
}

std::optional<std::time_t> ParseTime(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  std::tm time{};
  const char *end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time);
  if (end == nullptr || *end != '\0' || text.find('\0') != std::string::npos) {
    return std::nullopt;
  }
  return ::timegm(&time);
}

}  // namespace

svirt_status LoadLocalPolicy(const std::string &directory, const std::string &uuid,
                             LocalPolicy *policy, svirt_error *error) {
  LocalPolicy loaded;
  bool found = false;
  svirt_status status =
      ReadTrusted(directory + "/" + uuid + ".rules", &loaded.rules, &found, error);
  if (status != SVIRT_OK) {
    return status;
  }
  if (loaded.rules.find('\0') != std::string::npos) {
    return Fail(error, SVIRT_E_INVALID, 0, "%s/%s.rules has a NUL byte in it", directory.c_str(),
                uuid.c_str());
  }
  found = false;
  std::string until;
  const std::string path = directory + "/" + uuid + ".complain";
  status = ReadTrusted(path, &until, &found, error);
  if (status != SVIRT_OK) {
    return status;
  }
  if (found) {
    loaded.complain_until = ParseTime(until);
    if (!loaded.complain_until) {
      return Fail(error, SVIRT_E_INVALID, 0,
                  "%s has to hold the time when complain mode ends, such as 2027-01-31T12:00:00Z",
                  path.c_str());
    }
  }
  *policy = std::move(loaded);
  return SVIRT_OK;
}

}  // namespace svirt::apparmor
