// SPDX-License-Identifier: LGPL-2.1-or-later
// The child between its creation and its exec, step by step.
//
// Only raw system calls here. The C library's wrappers are not usable after a bare clone3() in a
// process with threads: setresuid() and friends would signal threads that exist only in the
// parent, and sanitizers intercept others and take locks.
#include "host/launch/child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

#define SVIRT_CHILD __attribute__((no_sanitize("thread")))

namespace svirt {
namespace {

[[noreturn]] SVIRT_CHILD void Exit() {
  for (;;) {
    syscall(SYS_exit_group, 127);
  }
}

SVIRT_CHILD bool Send(int pipe, ChildStep step, int error, size_t index) {
  const ChildReport report = {step, error, static_cast<uint32_t>(index)};
  return syscall(SYS_write, pipe, &report, sizeof report) == sizeof report;
}

[[noreturn]] SVIRT_CHILD void Fail(int pipe, ChildStep step, int error, size_t index = 0) {
  Send(pipe, step, error, index);
  Exit();
}

// Until it is told to go on the child does not outlive its parent, which nobody else knows of it.
// The pipe's end alone would not tell: others may hold copies of its other end.
SVIRT_CHILD void WaitForGo(const ChildPlan &plan) {
  char go = 0;
  if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0L, 0L, 0L) != 0) {
    Fail(plan.report, ChildStep::kAnnounce, errno);
  }
  if (syscall(SYS_getppid) != plan.parent || syscall(SYS_read, plan.go, &go, sizeof go) != 1) {
    Exit();
  }
  if (syscall(SYS_prctl, PR_SET_PDEATHSIG, 0L, 0L, 0L, 0L) != 0) {
    Fail(plan.report, ChildStep::kAnnounce, errno);
  }
}

// Ignored signals are inherited through exec, and handlers of the parent must not run here.
SVIRT_CHILD void ResetSignals(int pipe) {
  constexpr size_t kMaskSize = _NSIG / CHAR_BIT;
  // All zeroes is SIG_DFL without flags in the kernel's struct sigaction of every architecture.
  const unsigned char action[64] = {};
  for (int sig = 1; sig < _NSIG; ++sig) {
    if (sig != SIGKILL && sig != SIGSTOP &&
        syscall(SYS_rt_sigaction, sig, action, nullptr, kMaskSize) != 0) {
      Fail(pipe, ChildStep::kSignals, errno);
    }
  }
}

SVIRT_CHILD void UnblockSignals(int pipe) {
  const unsigned char mask[_NSIG / CHAR_BIT] = {};
  if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, nullptr, sizeof mask) != 0) {
    Fail(pipe, ChildStep::kSignals, errno);
  }
}

SVIRT_CHILD void RaiseMemlock(const ChildPlan &plan) {
  const rlimit64 limit = {plan.memlock, plan.memlock};
  if (syscall(SYS_prlimit64, 0, RLIMIT_MEMLOCK, &limit, nullptr) != 0) {
    Fail(plan.report, ChildStep::kMemlock, errno);
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
    Fail(plan.report, ChildStep::kOpenAttribute, errno, index);
  }
  const long written = syscall(SYS_write, fd, step.op->data, size_t{step.op->data_len});
  if (written != static_cast<long>(step.op->data_len)) {
    Fail(plan.report, ChildStep::kWriteAttribute, written < 0 ? errno : 0, index);
  }
  if (syscall(SYS_close, fd) != 0) {
    Fail(plan.report, ChildStep::kWriteAttribute, errno, index);
  }
}

SVIRT_CHILD void RestrictSelf(const ChildPlan &plan, size_t index) {
  if (syscall(SYS_landlock_restrict_self, plan.steps[index].op->fd, 0U) != 0) {
    Fail(plan.report, ChildStep::kRuleset, errno, index);
  }
}

SVIRT_CHILD void ForbidNewPrivs(int pipe) {
  if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0) {
    Fail(pipe, ChildStep::kNoNewPrivs, errno);
  }
}

// The bounding set is what a program may gain by being executed, by user 0 above all. Takes
// CAP_SETPCAP, so it comes before the change of credentials.
SVIRT_CHILD void EmptyBoundingSet(const ChildPlan &plan) {
  for (long cap = 0;; ++cap) {
    const long held = syscall(SYS_prctl, PR_CAPBSET_READ, cap, 0L, 0L, 0L);
    if (held < 0 && errno == EINVAL) {
      return;  // past the last one of this kernel
    }
    if (held < 0 || (held > 0 && syscall(SYS_prctl, PR_CAPBSET_DROP, cap, 0L, 0L, 0L) != 0)) {
      if (errno == EPERM && plan.keep_bounding_set) {
        return;
      }
      Fail(plan.report, ChildStep::kBoundingSet, errno);
    }
  }
}

// User 0 becomes a user like others, for good, and for all that it executes.
SVIRT_CHILD void MakeRootOrdinary(int pipe) {
  constexpr long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                         SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                         SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  const long bits = syscall(SYS_prctl, PR_GET_SECUREBITS, 0L, 0L, 0L, 0L);
  if (bits < 0 || ((bits & kBits) != kBits &&
                   syscall(SYS_prctl, PR_SET_SECUREBITS, bits | kBits, 0L, 0L, 0L) != 0)) {
    Fail(pipe, ChildStep::kSecureBits, errno);
  }
}

// The launcher's session keyring stays readable across a change of the user. Its place is taken by
// an empty one without a name, which belongs to the user that the child has now.
SVIRT_CHILD void LeaveSessionKeyring(int pipe) {
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr, 0L, 0L, 0L) >= 0 ||
      errno == ENOSYS) {  // a kernel without keys
    return;
  }
  // The kernel itself does not answer EPERM here, a container's filter does. If it does so for
  // reading too, as the kernel never would, then keys are out of reach for the program as well.
  if (errno == EPERM &&
      syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, 0L, 0L, 0L) < 0 &&
      errno == EPERM) {
    return;
  }
  Fail(pipe, ChildStep::kKeyring, errno);
}

// All three sets, and with them the ambient one. Nobody needs a privilege for that.
SVIRT_CHILD void DropCapabilities(int pipe) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capset, &header, none) != 0) {
    Fail(pipe, ChildStep::kCapabilities, errno);
  }
}

// Even when the user stays the same, the groups of the launcher are none of the program's business
// (CVE-2013-4291). Who may not empty them has no privilege to hand on either.
SVIRT_CHILD void EmptyGroups(const ChildPlan &plan) {
  if (syscall(SYS_setgroups, size_t{0}, nullptr) != 0 && (plan.credentials || errno != EPERM)) {
    Fail(plan.report, ChildStep::kGroups, errno);
  }
}

SVIRT_CHILD void SetCredentials(const ChildPlan &plan, size_t index) {
  const svirt_exec_op &op = *plan.steps[index].op;
  if (syscall(SYS_setresgid, op.gid, op.gid, op.gid) != 0) {
    Fail(plan.report, ChildStep::kGroup, errno, index);
  }
  if (syscall(SYS_setresuid, op.uid, op.uid, op.uid) != 0) {
    Fail(plan.report, ChildStep::kUser, errno, index);
  }
}

SVIRT_CHILD void CloseOnExec(int report, unsigned first, unsigned last) {
  if (first <= last && syscall(SYS_close_range, first, last, CLOSE_RANGE_CLOEXEC) != 0) {
    Fail(report, ChildStep::kCloseDescriptors, errno);
  }
}

// Gives every listed descriptor its number and lets exec close all others. Returns where the
// report pipe is now.
SVIRT_CHILD int ArrangeDescriptors(const ChildPlan &plan) {
  // Copies above all targets first: a source may have the number of another's target.
  const int base = plan.fds[plan.fd_count - 1].target + 1;
  const long report = syscall(SYS_fcntl, plan.report, F_DUPFD_CLOEXEC, base);
  if (report < 0) {
    Fail(plan.report, ChildStep::kDescriptors, errno, plan.fd_count - 1);
  }
  const int pipe = static_cast<int>(report);
  for (size_t i = 0; i < plan.fd_count; ++i) {
    ChildFd &fd = plan.fds[i];
    fd.copy = static_cast<int>(syscall(SYS_fcntl, fd.source, F_DUPFD_CLOEXEC, base));
    if (fd.copy < 0) {
      Fail(pipe, ChildStep::kDescriptors, errno, i);
    }
  }
  unsigned next = 0;
  for (size_t i = 0; i < plan.fd_count; ++i) {
    const ChildFd &fd = plan.fds[i];
    if (syscall(SYS_dup3, fd.copy, fd.target, 0) < 0) {
      Fail(pipe, ChildStep::kDescriptors, errno, i);
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
    Fail(plan.report, ChildStep::kSession, errno);
  }
  if (syscall(SYS_fchdir, plan.cwd) != 0) {
    Fail(plan.report, ChildStep::kDirectory, errno);
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
  // Some of what takes privileges away takes a privilege itself; that goes last.
  if (!plan.keep_privileges) {
    EmptyBoundingSet(plan);
  }
  if (!plan.keep_privileges && plan.has_setpcap) {
    MakeRootOrdinary(plan.report);
  }
  EmptyGroups(plan);
  for (; next < plan.step_count; ++next) {
    SetCredentials(plan, next);
  }
  if (!plan.keep_privileges) {
    LeaveSessionKeyring(plan.report);
    DropCapabilities(plan.report);
  }
  const int report = ArrangeDescriptors(plan);
  UnblockSignals(report);
  // Without anybody to read this the launcher is gone: then nobody would verify the program.
  if (!Send(report, ChildStep::kExec, 0, 0)) {
    Exit();
  }
  syscall(SYS_execve, plan.program, plan.argv, plan.envp);
  Fail(report, ChildStep::kExec, errno);
}

}  // namespace svirt
