// SPDX-License-Identifier: LGPL-2.1-or-later
// The child between its creation and its exec, step by step.
#include "host/launch/child.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

#include "host/launch/child_calls.h"

namespace svirt {
namespace {

// Until it is told to go on the child does not outlive its parent, which nobody else knows of it.
// The pipe's end alone would not tell: others may hold copies of its other end. A keeper that ends
// takes the child with it.
SVIRT_CHILD void WaitForGo(const ChildPlan &plan) {
  char go = 0;
  if (plan.keeper != nullptr) {
    if (syscall(SYS_read, plan.go, &go, sizeof go) != 1) {
      ExitChild();
    }
    return;
  }
  if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0L, 0L, 0L) != 0) {
    FailChild(plan.report, ChildStep::kAnnounce, errno);
  }
  if (syscall(SYS_getppid) != plan.parent || syscall(SYS_read, plan.go, &go, sizeof go) != 1) {
    ExitChild();
  }
  if (syscall(SYS_prctl, PR_SET_PDEATHSIG, 0L, 0L, 0L, 0L) != 0) {
    FailChild(plan.report, ChildStep::kAnnounce, errno);
  }
}

SVIRT_CHILD void UnblockSignals(int pipe) {
  const unsigned char mask[_NSIG / CHAR_BIT] = {};
  if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, nullptr, sizeof mask) != 0) {
    FailChild(pipe, ChildStep::kSignals, errno);
  }
}

SVIRT_CHILD void RaiseMemlock(const ChildPlan &plan) {
  const rlimit64 limit = {plan.memlock, plan.memlock};
  if (syscall(SYS_prlimit64, 0, RLIMIT_MEMLOCK, &limit, nullptr) != 0) {
    FailChild(plan.report, ChildStep::kMemlock, errno);
  }
}

SVIRT_CHILD void WriteAttribute(const ChildPlan &plan, size_t index) {
  const RecipeStep &step = plan.steps[index];
  // thread-self is a symbolic link of proc's own, so links are allowed, but not to leave this very
  // mount: nothing bound over the file or a directory on the way is followed.
  open_how how = {};
  how.flags = O_WRONLY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  const long fd = syscall(SYS_openat2, plan.proc, step.attr_path.c_str(), &how, sizeof how);
  if (fd < 0) {
    FailChild(plan.report, ChildStep::kOpenAttribute, errno, index);
  }
  const long written = syscall(SYS_write, fd, step.op->data, size_t{step.op->data_len});
  if (written != static_cast<long>(step.op->data_len)) {
    FailChild(plan.report, ChildStep::kWriteAttribute, written < 0 ? errno : 0, index);
  }
  if (syscall(SYS_close, fd) != 0) {
    FailChild(plan.report, ChildStep::kWriteAttribute, errno, index);
  }
}

SVIRT_CHILD void RestrictSelf(const ChildPlan &plan, size_t index) {
  if (syscall(SYS_landlock_restrict_self, plan.steps[index].op->fd, 0U) != 0) {
    FailChild(plan.report, ChildStep::kRuleset, errno, index);
  }
}

SVIRT_CHILD void ForbidNewPrivs(int pipe) {
  if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0) {
    FailChild(pipe, ChildStep::kNoNewPrivs, errno);
  }
}

SVIRT_CHILD void SetCredentials(const ChildPlan &plan, size_t index) {
  const svirt_exec_op &op = *plan.steps[index].op;
  if (syscall(SYS_setresgid, op.gid, op.gid, op.gid) != 0) {
    FailChild(plan.report, ChildStep::kGroup, errno, index);
  }
  if (syscall(SYS_setresuid, op.uid, op.uid, op.uid) != 0) {
    FailChild(plan.report, ChildStep::kUser, errno, index);
  }
}

// Gives every listed descriptor its number and lets exec close all others. Returns where the
// report pipe is now.
SVIRT_CHILD int ArrangeDescriptors(const ChildPlan &plan) {
  // Copies above all targets first: a source may have the number of another's target.
  const int base = plan.fds[plan.fd_count - 1].target + 1;
  const long report = syscall(SYS_fcntl, plan.report, F_DUPFD_CLOEXEC, base);
  if (report < 0) {
    FailChild(plan.report, ChildStep::kDescriptors, errno, plan.fd_count - 1);
  }
  const int pipe = static_cast<int>(report);
  for (size_t i = 0; i < plan.fd_count; ++i) {
    ChildFd &fd = plan.fds[i];
    fd.copy = static_cast<int>(syscall(SYS_fcntl, fd.source, F_DUPFD_CLOEXEC, base));
    if (fd.copy < 0) {
      FailChild(pipe, ChildStep::kDescriptors, errno, i);
    }
  }
  unsigned next = 0;
  for (size_t i = 0; i < plan.fd_count; ++i) {
    const ChildFd &fd = plan.fds[i];
    if (syscall(SYS_dup3, fd.copy, fd.target, 0) < 0) {
      FailChild(pipe, ChildStep::kDescriptors, errno, i);
    }
    const auto target = static_cast<unsigned>(fd.target);
    if (target > next) {
      CloseOnExec(pipe, next, target - 1);
    }
    next = target + 1;
  }
  CloseOnExec(pipe, next, UINT_MAX);
  return pipe;
}

}  // namespace

SVIRT_CHILD void RunChild(const ChildPlan &plan) noexcept {
  if (plan.go >= 0) {
    WaitForGo(plan);
  }
  ResetSignals(plan.report);
  syscall(SYS_umask, 077);
  if (plan.new_session && syscall(SYS_setsid) < 0) {
    FailChild(plan.report, ChildStep::kSession, errno);
  }
  if (syscall(SYS_fchdir, plan.cwd) != 0) {
    FailChild(plan.report, ChildStep::kDirectory, errno);
  }
  if (plan.memlock != 0) {
    RaiseMemlock(plan);
  }
  size_t next = 0;
  for (; next < plan.step_count && plan.steps[next].op->kind == SVIRT_EXEC_PROCATTR; ++next) {
    WriteAttribute(plan, next);
  }
  if (plan.no_new_privs) {
    ForbidNewPrivs(plan.report);
  }
  for (; next < plan.step_count && plan.steps[next].op->kind == SVIRT_EXEC_LANDLOCK; ++next) {
    RestrictSelf(plan, next);
  }
  DropGainable(plan);
  for (; next < plan.step_count; ++next) {
    SetCredentials(plan, next);
  }
  DropPresent(plan);
  const int report = ArrangeDescriptors(plan);
  UnblockSignals(report);
  // Without anybody to read this the launcher is gone: then nobody would verify the program.
  if (!SendReport(report, ChildStep::kExec, 0, 0)) {
    ExitChild();
  }
  syscall(SYS_execve, plan.program, plan.argv, plan.envp);
  FailChild(report, ChildStep::kExec, errno);
}

}  // namespace svirt
