// SPDX-License-Identifier: LGPL-2.1-or-later
// The file in which plugins stand that crashed or hung.
#include "host/loader/quarantine.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <string_view>

#include "host/loader/elf_image.h"
#include "host/loader/used_files.h"
#include "host/util/text.h"

namespace svirt {
namespace {

constexpr uint64_t kMaxListBytes = 1 << 20;

}  // namespace

Status Quarantine::Load() {
  entries_.clear();
  if (file_.empty()) {
    return {};
  }
  Fd fd(open(file_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    if (errno == ENOENT) {
      return {};
    }
    return SystemError(errno, "cannot read the quarantine file " + file_);
  }
  const Opened opened = JudgeFile(std::move(fd), file_, kMaxListBytes);
  if (!opened.verdict.ok()) {
    return Error{Errc::kRefused,
                 "the quarantine file " + file_ + " is ignored: " + opened.verdict.error().message,
                 0};
  }
  std::string text(static_cast<size_t>(opened.status.st_size), '\0');
  if (!FileBytes(opened.fd.get(), text.size()).read(0, text.data(), text.size())) {
    return Error{Errc::kSystem, "cannot read the quarantine file " + file_, 0};
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::string_view rest = line;
    if (const auto identity = TakeIdentity(&rest)) {
      entries_.push_back({*identity, std::string(rest)});
    }
  }
  return {};
}

std::optional<std::string> Quarantine::Find(const FileIdentity &identity) const {
  for (const Entry &entry : entries_) {
    if (entry.identity == identity) {
      return Printable(entry.reason) + "; it is in quarantine until it is replaced or " + file_ +
             " is deleted";
    }
  }
  return std::nullopt;
}

Status Quarantine::Add(const FileIdentity &identity, const std::string &reason) {
  if (file_.empty()) {
    return {};
  }
  const Fd fd(
      open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0644));
  if (!fd) {
    return SystemError(errno, "cannot write the quarantine file " + file_);
  }
  flock(fd.get(), LOCK_EX);
  const std::string text = FormatIdentity(identity) + " " + Printable(reason) + "\n";
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return SystemError(errno, "cannot write the quarantine file " + file_);
  }
  return {};
}

}  // namespace svirt
