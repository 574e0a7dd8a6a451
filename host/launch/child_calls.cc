// SPDX-License-Identifier: LGPL-2.1-or-later
// Reports, signals, privileges and descriptors of a process that has not executed yet.
#include "host/launch/child_calls.h"

#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

namespace svirt {

[[noreturn]] SVIRT_CHILD void ExitChild() {
  for (;;) {
    syscall(SYS_exit_group, 127);
  }
}

SVIRT_CHILD bool SendReport(int pipe, ChildStep step, int error, size_t index) {
  const ChildReport report = {step, error, static_cast<uint32_t>(index)};
  return syscall(SYS_write, pipe, &report, sizeof report) == sizeof report;
}

[[noreturn]] SVIRT_CHILD void FailChild(int pipe, ChildStep step, int error, size_t index) {
  SendReport(pipe, step, error, index);
  ExitChild();
}

SVIRT_CHILD void ResetSignals(int pipe) {
  constexpr size_t kMaskSize = _NSIG / CHAR_BIT;
  // All zeroes is SIG_DFL without flags in the kernel's struct sigaction of every architecture.
  const unsigned char action[64] = {};
  for (int sig = 1; sig < _NSIG; ++sig) {
    if (sig != SIGKILL && sig != SIGSTOP &&
        syscall(SYS_rt_sigaction, sig, action, nullptr, kMaskSize) != 0) {
      FailChild(pipe, ChildStep::kSignals, errno);
    }
  }
}

namespace {

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
      FailChild(plan.report, ChildStep::kBoundingSet, errno);
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
    FailChild(pipe, ChildStep::kSecureBits, errno);
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
  FailChild(pipe, ChildStep::kKeyring, errno);
}

// All three sets, and with them the ambient one. Nobody needs a privilege for that.
SVIRT_CHILD void DropCapabilities(int pipe) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capset, &header, none) != 0) {
    FailChild(pipe, ChildStep::kCapabilities, errno);
  }
}

// Even when the user stays the same, the groups of the launcher are none of the program's business
// (CVE-2013-4291). Who may not empty them has no privilege to hand on either.
SVIRT_CHILD void EmptyGroups(const ChildPlan &plan) {
  if (syscall(SYS_setgroups, size_t{0}, nullptr) != 0 && (plan.credentials || errno != EPERM)) {
    FailChild(plan.report, ChildStep::kGroups, errno);
  }
}

}  // namespace

SVIRT_CHILD void DropGainable(const ChildPlan &plan) {
  if (!plan.keep_privileges) {
    EmptyBoundingSet(plan);
  }
  if (!plan.keep_privileges && plan.has_setpcap) {
    MakeRootOrdinary(plan.report);
  }
  EmptyGroups(plan);
}

SVIRT_CHILD void DropPresent(const ChildPlan &plan) {
  if (!plan.keep_privileges) {
    LeaveSessionKeyring(plan.report);
    DropCapabilities(plan.report);
  }
}

SVIRT_CHILD void CloseOnExec(int report, unsigned first, unsigned last) {
  if (first <= last && syscall(SYS_close_range, first, last, CLOSE_RANGE_CLOEXEC) != 0) {
    FailChild(report, ChildStep::kCloseDescriptors, errno);
  }
}

}  // namespace svirt
