// SPDX-License-Identifier: LGPL-2.1-or-later
// Stores compiled rules as files that appear whole or not at all, and trusts none that others may
// write.
#include "policy_cache.h"

#include <fcntl.h>
#include <svirt/sdk_fd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "digest.h"

namespace svirt::apparmor {

namespace {

constexpr std::string_view kForm = "svirt-apparmor-cache 1\n";
constexpr off_t kMostCached = off_t{64} << 20;

std::optional<std::string> ReadOwn(const std::string &path) {
  const sdk::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode) ||
      (st.st_uid != 0 && st.st_uid != ::geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0 ||
      st.st_size > kMostCached) {
    return std::nullopt;
  }
  std::string text(static_cast<size_t>(st.st_size), '\0');
  const ssize_t size = ::pread(fd.get(), text.data(), text.size(), 0);
  if (size < 0 || static_cast<size_t>(size) != text.size()) {
    return std::nullopt;
  }
  return text;
}

// Takes the line that text begins with.
std::string_view TakeLine(std::string_view *text) {
  const size_t end = text->find('\n');
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return line;
}

int MakeDirectories(const std::string &path) {
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    if (::mkdir(path.substr(0, end).c_str(), 0755) != 0 && errno != EEXIST) {
      return errno;
    }
  }
  return ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST ? errno : 0;
}

// Under another name first: a reader sees all of it or nothing.
int WriteWhole(const std::string &directory, const std::string &path, const std::string &text) {
  std::string partial = directory + "/new-XXXXXX";
  const sdk::Fd fd(::mkostemp(partial.data(), O_CLOEXEC));
  if (!fd) {
    return errno;
  }
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = ::write(fd.get(), text.data() + done, text.size() - done);
    if (written <= 0) {
      break;
    }
    done += static_cast<size_t>(written);
  }
  if (done < text.size() || ::rename(partial.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(partial.c_str());
    return error != 0 ? error : EIO;
  }
  return 0;
}

}  // namespace

std::optional<std::vector<std::string>> PolicyCache::Find(const std::string &name,
                                                          const std::string &key) const {
  const auto text = ReadOwn(directory_ + "/" + name);
  if (!text || !text->starts_with(kForm)) {
    return std::nullopt;
  }
  std::string_view rest(*text);
  rest.remove_prefix(kForm.size());
  const std::string_view kept_key = TakeLine(&rest), digest = TakeLine(&rest);
  if (kept_key != key || digest != Digest(rest)) {
    return std::nullopt;
  }
  std::vector<std::string> parts;
  while (!rest.empty()) {
    const std::string_view digits = TakeLine(&rest);
    size_t size = 0;
    const auto read = std::from_chars(digits.begin(), digits.end(), size);
    if (read.ec != std::errc() || read.ptr != digits.end() || size > rest.size()) {
      return std::nullopt;
    }
    parts.emplace_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return parts;
}

int PolicyCache::Keep(const std::string &name, const std::string &key,
                      const std::vector<std::string> &parts) const {
  if (const int error = MakeDirectories(directory_); error != 0) {
    return error;
  }
  std::string body;
  for (const std::string &part : parts) {
    body += std::to_string(part.size()) + "\n" + part;
  }
  return WriteWhole(directory_, directory_ + "/" + name,
                    std::string(kForm) + key + "\n" + Digest(body) + "\n" + body);
}

}  // namespace svirt::apparmor
