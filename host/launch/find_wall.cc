// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds out which namespaces this process may make, by making them for a moment.
#include "host/launch/find_wall.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

namespace svirt {
namespace {

constexpr uint64_t kNamespaces = CLONE_NEWPID | CLONE_NEWIPC;

// 0 or errno.
int TryNamespaces(uint64_t flags) {
  clone_args args = {};
  args.flags = flags | CLONE_VFORK | CLONE_CLEAR_SIGHAND;
  args.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) {
    for (;;) {
      ::syscall(SYS_exit_group, 0);
    }
  }
  if (pid < 0) {
    return errno;
  }
  while (::waitpid(static_cast<pid_t>(pid), nullptr, __WALL) < 0 && errno == EINTR) {
  }
  return 0;
}

bool IsWanted(const WallOptions &options, WallItem item) {
  return std::ranges::find(options.without, WallItemName(item)) == options.without.end();
}

}  // namespace

Result<WallFindings> FindWall(const WallOptions &options) {
  WallFindings findings;
  if (options.keeper.empty() || !IsWanted(options, WallItem::kPidNamespace)) {
    return findings;
  }
  Wall &wall = findings.wall;
  std::string lack;
  // What is broken is mended, and not done without.
  if (::access(options.keeper.c_str(), X_OK) != 0) {
    return SystemError(errno,
                       "cannot execute " + options.keeper +
                           ", which keeps a domain's processes apart; install svirt again, or "
                           "say without = pid-namespace in [confinement]");
  }
  if (TryNamespaces(kNamespaces) == 0) {
    wall.keeper = options.keeper;
  } else if (const int error = TryNamespaces(kNamespaces | CLONE_NEWUSER); error == 0) {
    wall.keeper = options.keeper;
    wall.user_namespace = true;
  } else {
    lack = std::string("this user may make no namespaces (") + std::strerror(error) +
           "), neither with privileges nor in a user namespace";
  }
  if (lack.empty()) {
    wall.ipc_namespace = IsWanted(options, WallItem::kIpcNamespace);
    return findings;
  }
  const std::string sentence =
      "a domain gets no process namespace of its own here, so what its "
      "program leaves running is not ended with it: " +
      lack;
  if (options.required) {
    return Error{Errc::kUnsupported,
                 sentence + "; mend that, or say without = pid-namespace in [confinement]"};
  }
  findings.notes.push_back(sentence);
  return findings;
}

}  // namespace svirt
