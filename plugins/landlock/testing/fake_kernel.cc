// SPDX-License-Identifier: LGPL-2.1-or-later
// Refuses unknown rights, scopes and sizes as a kernel of that level does.
#include "testing/fake_kernel.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

namespace svirt::landlock {

FakeKernel::FakeKernel(int abi_level)
    : level(abi_level),
      rights(kFirstRights | (abi_level >= 2 ? kRefer : 0) | (abi_level >= 3 ? kTruncate : 0) |
             (abi_level >= 5 ? kIoctlDev : 0)),
      scopes(abi_level >= 6 ? kScopeAbstractUnix | kScopeSignal : 0),
      has_scope_member(abi_level >= 6) {}

KernelCalls FakeKernel::Calls() {
  return {[this](const RulesetAttr *attr, uint32_t flags) { return Create(attr, flags); },
          [this](int, const PathBeneathAttr &rule) { return AddRule(rule); }};
}

int FakeKernel::Create(const RulesetAttr *attr, uint32_t flags) {
  if (flags == kCreateRulesetVersion) {
    return version_error != 0 ? -version_error : level;
  }
  if (create_error != 0) {
    return -create_error;
  }
  if (attr->scoped != 0 && !has_scope_member) {
    return -E2BIG;
  }
  if ((attr->handled_access_fs & ~rights) != 0 || (attr->scoped & ~scopes) != 0 ||
      attr->handled_access_net != 0) {
    return -EINVAL;
  }
  if (attr->handled_access_fs == 0 && attr->scoped == 0) {
    return -ENOMSG;
  }
  handled = *attr;
  rules.clear();
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int FakeKernel::AddRule(const PathBeneathAttr &rule) {
  const uint64_t allowed = rule.allowed_access;
  struct stat status {};
  if (rule_error != 0) {
    return -rule_error;
  }
  if (allowed == 0) {
    return -ENOMSG;
  }
  if (::fstat(rule.parent_fd, &status) != 0) {
    return -EBADF;
  }
  if ((allowed & ~handled.handled_access_fs) != 0 ||
      (!S_ISDIR(status.st_mode) && (allowed & ~kFileRights) != 0)) {
    return -EINVAL;
  }
  std::error_code ignored;
  const auto link = std::filesystem::path("/proc/self/fd") / std::to_string(rule.parent_fd);
  rules[std::filesystem::read_symlink(link, ignored).string()] |= allowed;
  return 0;
}

}  // namespace svirt::landlock
