// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads user and group from /proc/PID/status, where all ids of a kind must agree.
#include "process.h"

#include <fcntl.h>
#include <svirt/sdk.h>
#include <svirt/sdk_fd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>

namespace svirt::dac {
namespace {

// The values behind "\nKEY:", apart by tabs; "" if it is not there.
std::string_view Values(std::string_view text, std::string_view key) {
  const size_t at = text.find(key);
  if (at == std::string_view::npos) {
    return "";
  }
  text.remove_prefix(at + key.size());
  return text.substr(0, text.find('\n'));
}

// The id that all four are; nullopt if they differ.
std::optional<uint32_t> OneId(std::string_view values) {
  std::optional<uint32_t> common;
  int seen = 0;
  for (; !values.empty() && values[0] == '\t'; ++seen) {
    values.remove_prefix(1);
    uint32_t id = 0;
    const auto [at, error] = std::from_chars(values.data(), values.data() + values.size(), id);
    if (error != std::errc() || (common && *common != id)) {
      return std::nullopt;
    }
    common = id;
    values.remove_prefix(static_cast<size_t>(at - values.data()));
  }
  return seen == 4 ? common : std::nullopt;
}

std::string Shown(std::string_view values) {
  std::string text(values.substr(std::min<size_t>(1, values.size())));
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text;
}

}  // namespace

svirt_status ReadIdentity(std::string_view status_text, pid_t pid, Identity *identity,
                          svirt_error *error) {
  const std::string_view uids = Values(status_text, "\nUid:");
  const std::string_view gids = Values(status_text, "\nGid:");
  const auto uid = OneId(uids), gid = OneId(gids);
  if (!uid || !gid) {
    return sdk::Fail(error, SVIRT_E_DENIED, 0,
                     "process %d is not one user and group alone: its user ids are %s, its group "
                     "ids %s",
                     pid, Shown(uids).c_str(), Shown(gids).c_str());
  }
  *identity = {*uid, *gid};
  return SVIRT_OK;
}

svirt_status ProcessIdentity(pid_t pid, Identity *identity, svirt_error *error) {
  const std::string path = "/proc/" + std::to_string(pid) + "/status";
  const sdk::Fd file(pid > 0 ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC) : -1);
  // The ids are within the first lines; a name takes 64 bytes at most.
  std::array<char, 4096> text{};
  const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : -1;
  if (size <= 0 && (pid <= 0 || errno == ENOENT || errno == ESRCH)) {
    return sdk::Fail(error, SVIRT_E_GONE, pid > 0 ? errno : 0, "process %d does not run", pid);
  }
  if (size <= 0) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, errno, "cannot read %s: %s", path.c_str(),
                     std::strerror(errno));
  }
  return ReadIdentity({text.data(), static_cast<size_t>(size)}, pid, identity, error);
}

}  // namespace svirt::dac
