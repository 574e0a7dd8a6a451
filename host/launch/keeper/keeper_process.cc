// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the domain's first process, then becomes its keeper.
#include "host/launch/keeper/keeper_process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "host/launch/child_calls.h"

namespace svirt {
namespace {

SVIRT_CHILD void SetDeathSignal(const ChildPlan &plan, long signal) {
  if (syscall(SYS_prctl, PR_SET_PDEATHSIG, signal, 0L, 0L, 0L) != 0) {
    FailChild(plan.report, ChildStep::kAnnounce, errno);
  }
}

// A parent that ended before it could be asked for is seen by its pidfd: from inside the namespace
// it has no number.
SVIRT_CHILD void TieToParent(const ChildPlan &plan) {
  SetDeathSignal(plan, SIGKILL);
  pollfd item = {plan.keeper->parent, POLLIN, 0};
  const timespec now = {};
  if (syscall(SYS_ppoll, &item, 1UL, &now, nullptr, 0UL) != 0) {
    ExitChild();
  }
}

SVIRT_CHILD void WaitForWord(const ChildPlan &plan) {
  char word = 0;
  if (syscall(SYS_read, plan.keeper->talk, &word, sizeof word) != 1) {
    ExitChild();
  }
}

struct Made {
  long pid = 0;
  int pidfd = -1;
};

SVIRT_CHILD Made MakeChild(const ChildPlan &plan) {
  Made made;
  clone_args args = {};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uintptr_t>(&made.pidfd);
  args.exit_signal = SIGCHLD;
  made.pid = syscall(SYS_clone3, &args, sizeof args);
  if (made.pid == 0) {
    RunChild(plan);
  }
  if (made.pid < 0) {
    FailChild(plan.report, ChildStep::kProgramProcess, errno);
  }
  return made;
}

// The number that the child has here means nothing outside.
SVIRT_CHILD void Tell(const ChildPlan &plan, int pidfd) {
  char byte = 0;
  iovec part = {&byte, sizeof byte};
  alignas(cmsghdr) std::array<unsigned char, CMSG_SPACE(sizeof(int))> control = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  *reinterpret_cast<int *>(CMSG_DATA(header)) = pidfd;
  if (syscall(SYS_sendmsg, plan.keeper->talk, &message, MSG_NOSIGNAL) < 0) {
    FailChild(plan.report, ChildStep::kProgramProcess, errno);
  }
}

[[noreturn]] SVIRT_CHILD void Execute(const ChildPlan &plan, long child) {
  std::array<char, 24> number = {};
  size_t at = number.size() - 1;
  for (; child > 0; child /= 10) {
    number[--at] = static_cast<char>('0' + child % 10);
  }
  char name[] = "svirt-keeper";
  char *const argv[] = {name, &number[at], nullptr};
  char *const envp[] = {nullptr};
  CloseOnExec(plan.report, 0, UINT_MAX);
  // Where it says that it is ready.
  if (syscall(SYS_dup3, plan.keeper->talk, STDIN_FILENO, 0) < 0) {
    FailChild(plan.report, ChildStep::kKeeper, errno);
  }
  syscall(SYS_execveat, plan.keeper->program, "", argv, envp, AT_EMPTY_PATH);
  FailChild(plan.report, ChildStep::kKeeper, errno);
}

}  // namespace

SVIRT_CHILD void RunKeeper(const ChildPlan &plan) noexcept {
  TieToParent(plan);
  ResetSignals(plan.report);  // an ignored SIGCHLD would hide how the child ended
  WaitForWord(plan);
  const Made child = MakeChild(plan);
  Tell(plan, child.pidfd);
  WaitForWord(plan);
  SetDeathSignal(plan, 0);
  syscall(SYS_setsid);      // a terminal is the child's matter
  syscall(SYS_chdir, "/");  // and nothing is kept busy by its working directory
  DropGainable(plan);
  DropPresent(plan);
  Execute(plan, child.pid);
}

}  // namespace svirt
