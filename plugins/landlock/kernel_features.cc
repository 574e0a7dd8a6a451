// SPDX-License-Identifier: LGPL-2.1-or-later
// Tries rulesets with one right or scope each, and explains a kernel without Landlock.
#include "kernel_features.h"

#include <fcntl.h>
#include <svirt/sdk.h>
#include <svirt/sdk_fd.h>

#include <cerrno>

namespace svirt::landlock {

namespace {

using sdk::Fail;
using sdk::Fd;

struct Optional {
  uint64_t right;  // one of these two is 0
  uint64_t scope;
  const char *missing;  // what cannot be withheld without it; NULL if nothing becomes possible
};

constexpr Optional kOptional[] = {
    {kRefer, 0, nullptr},  // without it, moving files between directories is always denied
    {kTruncate, 0, "truncating files by path"},
    {kIoctlDev, 0, "device ioctls"},
    {0, kScopeAbstractUnix, "connecting to abstract unix sockets"},
    {0, kScopeSignal, "signals to other processes"},
};

svirt_status NoLandlock(int err, svirt_error *reason) {
  switch (err) {
    case ENOSYS:
      return Fail(reason, SVIRT_INACTIVE, err,
                  "this kernel has no Landlock: it needs Linux 5.13 or later with "
                  "CONFIG_SECURITY_LANDLOCK");
    case EOPNOTSUPP:
      return Fail(reason, SVIRT_INACTIVE, err,
                  "Landlock is disabled at boot: add landlock to the lsm= list of the kernel's "
                  "command line");
    case EPERM:
      return Fail(reason, SVIRT_E_DENIED, err,
                  "making a Landlock ruleset is forbidden, as by a container's seccomp filter: "
                  "allow the landlock_* system calls there, or take landlock out of the models");
    default:
      return Fail(reason, SVIRT_E_SYSTEM, err, "making a Landlock ruleset failed: %s",
                  std::strerror(err));
  }
}

// Does the kernel take a ruleset of this kind? (Never an empty one: that it refuses anyway.) 0, or
// -errno if it cannot be told.
int Try(const KernelCalls &kernel, uint64_t rights, uint64_t scopes, bool *takes) {
  const RulesetAttr attr{rights, 0, scopes};
  const int result = kernel.create_ruleset(&attr, 0);
  *takes = result >= 0;
  if (result >= 0) {
    Fd(result).Reset();
    return 0;
  }
  // EINVAL: a bit it does not know. E2BIG: a member of the struct it does not know.
  return result == -EINVAL || result == -E2BIG ? 0 : result;
}

// A rule as the ruleset of a domain will have it, for the root directory.
int TryRule(const KernelCalls &kernel, const Features &features) {
  const RulesetAttr attr{features.rights, 0, features.scopes};
  const int result = kernel.create_ruleset(&attr, 0);
  if (result < 0) {
    return result;
  }
  const Fd ruleset(result);
  const Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) {
    return -errno;
  }
  return kernel.add_rule(ruleset.get(), {features.rights, root.get()});
}

}  // namespace

svirt_status ProbeFeatures(const KernelCalls &kernel, Features *features, svirt_error *reason) {
  Features found;
  found.abi = kernel.create_ruleset(nullptr, kCreateRulesetVersion);
  if (found.abi < 0) {
    return NoLandlock(-found.abi, reason);
  }
  bool takes = false;
  if (const int err = Try(kernel, kFirstRights, 0, &takes); err < 0 || !takes) {
    return NoLandlock(err < 0 ? -err : EINVAL, reason);
  }
  found.rights = kFirstRights;
  for (const Optional &optional : kOptional) {
    if (const int err = Try(kernel, kExecute | optional.right, optional.scope, &takes); err < 0) {
      return NoLandlock(-err, reason);
    }
    if (takes) {
      found.rights |= optional.right;
      found.scopes |= optional.scope;
    }
  }
  if (const int err = TryRule(kernel, found); err < 0) {
    return Fail(reason, SVIRT_E_SYSTEM, -err, "adding a rule to a Landlock ruleset failed: %s",
                std::strerror(-err));
  }
  *features = found;
  const std::string missing = MissingWords(found);
  return Fail(reason, SVIRT_OK, 0,
              "Landlock works (ABI %d)%s%s; it never withholds TCP and connecting to unix sockets "
              "by path",
              found.abi, missing.empty() ? "" : "; this kernel cannot withhold: ", missing.c_str());
}

std::string MissingWords(const Features &features) {
  std::string words;
  for (const Optional &optional : kOptional) {
    const bool there = (features.rights & optional.right) != 0 ||  //
                       (features.scopes & optional.scope) != 0;
    if (!there && optional.missing != nullptr) {
      words += words.empty() ? "" : ", ";
      words += optional.missing;
    }
  }
  return words;
}

}  // namespace svirt::landlock
