// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests: owners and modes of files, and what this process may change.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <svirt/sdk_fd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "identity.h"
#include "probe.h"

namespace svirt::dac {

inline constexpr Identity kDomain{2'100'000'007, 2'100'000'007};
inline constexpr Identity kOther{2'100'000'008, 2'100'000'008};

// An object as a host opens it for a plugin.
inline sdk::Fd OpenPath(const std::string &path) {
  return sdk::Fd(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

inline std::string OwnerOf(const std::string &path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 ? FormatIdentity({st.st_uid, st.st_gid}) : "gone";
}

inline mode_t ModeOf(const std::string &path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
}

// Runs the body where the directory is mounted read-only besides, at the other one. Why not; "" if
// it has run.
inline std::string WithReadOnlyMount(const std::string &directory, const std::string &at,
                                     const std::function<void()> &body) {
  std::string failed;
  // A thread of its own has mounts of its own.
  std::thread([&] {
    if (::unshare(CLONE_FS | CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(directory.c_str(), at.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
        ::mount(nullptr, at.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
      failed = std::strerror(errno);
      return;
    }
    body();
  }).join();
  return failed;
}

// Why this process cannot give files away; "" if it can.
inline std::string WhyNotPrivileged() {
  const IdRange range;
  const Privileges privileges = ReadPrivileges(range);
  svirt_error reason{};
  reason.struct_size = sizeof reason;
  return ProbeDriver(privileges, range, nullptr, &reason) == SVIRT_OK ? "" : reason.message;
}

}  // namespace svirt::dac

// For tests that chown.
#define SVIRT_DAC_NEEDS_PRIVILEGES()                                   \
  if (const std::string why = WhyNotPrivileged(); !why.empty()) {      \
    GTEST_SKIP() << "needs the privilege to give files away: " << why; \
  }                                                                    \
  static_assert(true)
