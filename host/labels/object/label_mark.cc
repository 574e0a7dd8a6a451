// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and writes marks as extended attributes.
#include "host/labels/object/label_mark.h"

#include <sys/xattr.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

#include "host/util/fd.h"

namespace svirt {
namespace {

constexpr std::string_view kVersion = "1";

std::string Prefix(const std::string &model) {
  return "trusted.svirt." + model + ".";
}

// The members, none of which has a NUL, one after the other, each ended by one.
std::string Serialize(const LabelMark &mark) {
  std::string value;
  for (const std::string &part :
       {std::string(kVersion), mark.doi, std::to_string(mark.id.ino), std::to_string(mark.id.btime),
        std::string(mark.old.state == OldLabel::State::kPresent ? "present" : "absent"),
        mark.old.label, mark.label}) {
    value += part;
    value += '\0';
  }
  return value;
}

template <typename T>
bool ParseNumber(const std::string &text, T *number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<LabelMark> Parse(std::string_view value) {
  std::vector<std::string> parts;
  while (!value.empty()) {
    const size_t end = value.find('\0');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    parts.emplace_back(value.substr(0, end));
    value.remove_prefix(end + 1);
  }
  if (parts.size() != 7 || parts[0] != kVersion ||
      (parts[4] != "present" && parts[4] != "absent")) {
    return std::nullopt;
  }
  LabelMark mark;
  mark.doi = parts[1];
  mark.old = {parts[4] == "present" ? OldLabel::State::kPresent : OldLabel::State::kAbsent,
              parts[5]};
  mark.label = parts[6];
  const bool is_valid =
      ParseNumber(parts[2], &mark.id.ino) && ParseNumber(parts[3], &mark.id.btime);
  return is_valid ? std::optional(mark) : std::nullopt;
}

// Grows with the value; what changes meanwhile is asked for again, a few times.
template <typename Call>
Result<std::optional<std::string>> Fetch(const Call &call) {
  for (int tries = 0; tries < 10; ++tries) {
    const ssize_t size = call(nullptr, 0);
    std::string value(size > 0 ? static_cast<size_t>(size) : 0, '\0');
    const ssize_t got = size > 0 ? call(value.data(), value.size()) : size;
    if (got >= 0) {
      value.resize(static_cast<size_t>(got));
      return std::optional(std::move(value));
    }
    if (errno == ENODATA || errno == ENOTSUP) {
      return std::optional<std::string>();
    }
    if (errno != ERANGE) {
      break;
    }
  }
  return SystemError(errno, "cannot read what other hosts have written about its label");
}

}  // namespace

Status WriteMark(int fd, const std::string &model, const LabelMark &mark) {
  const std::string name = Prefix(model) + mark.host, value = Serialize(mark);
  if (::setxattr(ProcPath(fd).c_str(), name.c_str(), value.data(), value.size(), 0) == 0) {
    return {};
  }
  Error error = SystemError(errno, "cannot write " + name);
  const int cause = error.sys_errno;
  if (cause == EPERM || cause == ENOTSUP || cause == ENOSPC || cause == E2BIG || cause == ERANGE ||
      cause == EROFS) {
    error.code = Errc::kUnsupported;
  }
  return error;
}

Status RemoveMark(int fd, const std::string &model, const std::string &host) {
  const std::string name = Prefix(model) + host;
  const std::string path = ProcPath(fd);
  if (::removexattr(path.c_str(), name.c_str()) == 0 || errno == ENODATA || errno == ENOTSUP) {
    return {};
  }
  const int error = errno;
  // Who may not remove one cannot see one, and could not write one.
  if (error == EPERM && ::getxattr(path.c_str(), name.c_str(), nullptr, 0) < 0 &&
      errno == ENODATA) {
    return {};
  }
  return SystemError(error, "cannot remove " + name);
}

Result<std::vector<LabelMark>> ReadMarks(int fd, const std::string &model) {
  const std::string path = ProcPath(fd), prefix = Prefix(model);
  std::vector<LabelMark> marks;
  SVIRT_ASSIGN(const auto names, Fetch([&path](char *data, size_t size) {
                 return ::listxattr(path.c_str(), data, size);
               }));
  std::string_view left = names ? std::string_view(*names) : std::string_view();
  while (!left.empty()) {
    const std::string name(left.substr(0, left.find('\0')));
    left.remove_prefix(std::min(left.size(), name.size() + 1));
    if (!name.starts_with(prefix)) {
      continue;
    }
    SVIRT_ASSIGN(const auto value, Fetch([&](char *data, size_t size) {
                   return ::getxattr(path.c_str(), name.c_str(), data, size);
                 }));
    if (auto mark = value ? Parse(*value) : std::nullopt) {
      mark->host = name.substr(prefix.size());
      marks.push_back(std::move(*mark));
    }
  }
  return marks;
}

}  // namespace svirt
