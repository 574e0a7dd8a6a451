// SPDX-License-Identifier: LGPL-2.1-or-later
// Which mounts give all that is on them one label (mount option context=).
#include "mount_contexts.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string>

namespace svirt::selinux {
namespace {

// Of "rw,seclabel" or "rw,context=system_u:object_r:...". A comma inside a label is written in
// quotes, and no part of it looks like an option.
bool HasContextOption(std::string_view options) {
  constexpr std::string_view kOption = "context=";
  return options.starts_with(kOption) || options.find(",context=") != std::string_view::npos;
}

}  // namespace

std::set<uint64_t> MountsWithContext(std::string_view mountinfo) {
  std::set<uint64_t> mounts;
  while (!mountinfo.empty()) {
    const size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    const std::string_view line = mountinfo.substr(0, end);
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    uint64_t id = 0;
    const auto [at, error] = std::from_chars(line.data(), line.data() + line.size(), id);
    // The last field has the options of the file system.
    const size_t last = line.rfind(' ');
    if (error == std::errc() && last != std::string_view::npos &&
        HasContextOption(line.substr(last + 1))) {
      mounts.insert(id);
    }
  }
  return mounts;
}

int MountContexts::Read() {
  std::string text;
  std::array<char, 65536> part;
  if (::lseek(list_.get(), 0, SEEK_SET) != 0) {
    return errno;
  }
  for (;;) {
    const ssize_t size = ::read(list_.get(), part.data(), part.size());
    if (size < 0) {
      return errno;
    }
    if (size == 0) {
      break;
    }
    text.append(part.data(), static_cast<size_t>(size));
  }
  mounts_ = MountsWithContext(text);
  return 0;
}

int MountContexts::Has(uint64_t mount, bool *has) {
  const std::lock_guard<std::mutex> lock(mutex_);
  bool stale = false;
  if (!list_) {
    list_.Reset(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
    if (!list_) {
      return errno;
    }
    stale = true;
  }
  pollfd changed{list_.get(), POLLPRI, 0};
  if (::poll(&changed, 1, 0) < 0) {
    return errno;
  }
  if (stale || (changed.revents & (POLLPRI | POLLERR)) != 0) {
    if (const int errnum = Read(); errnum != 0) {
      list_.Reset();
      return errnum;
    }
  }
  *has = mounts_.contains(mount);
  return 0;
}

}  // namespace svirt::selinux
