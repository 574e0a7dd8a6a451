// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs code in child processes, which restrict themselves without harm to the test.
#include "testing/fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <svirt/sdk_fd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "landlock_abi.h"

namespace svirt::landlock {

namespace {

constexpr uid_t kNobody = 65534;
constexpr unsigned kChildSeconds = 120;

}  // namespace

std::string InChild(const std::function<std::string()> &body) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return "pipe failed";
  }
  sdk::Fd from(ends[0]);
  sdk::Fd to(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) {
    return "fork failed";
  }
  if (pid == 0) {
    ::alarm(kChildSeconds);
    const std::string text = body();
    const bool sent =
        ::write(to.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(sent ? 0 : 1);
  }
  to.Reset();
  std::string text;
  std::array<char, 4096> chunk{};
  for (ssize_t n = 0; (n = ::read(from.get(), chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<size_t>(n));
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text : "the child died";
}

std::string InChildAsNobody(const std::function<std::string()> &body) {
  return InChild([&]() -> std::string {
    if (::geteuid() == 0 &&
        (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
         ::setresuid(kNobody, kNobody, kNobody) != 0)) {
      return "cannot become nobody";
    }
    return body();
  });
}

int ApplyRecipe(const svirt_exec &exec) {
  for (uint32_t i = 0; i < exec.op_count; ++i) {
    const svirt_exec_op &op = exec.op[i];
    if (op.kind != SVIRT_EXEC_LANDLOCK) {
      return ENOTSUP;
    }
    if ((op.flags & SVIRT_EXEC_NO_NEW_PRIVS) != 0 &&
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
      return errno;
    }
    if (::syscall(kSysRestrictSelf, op.fd, 0) != 0) {
      return errno;
    }
  }
  return 0;
}

int TryOpen(const std::string &path, int flags) {
  const sdk::Fd fd(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0600));
  return fd ? 0 : errno;
}

}  // namespace svirt::landlock
