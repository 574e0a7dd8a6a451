// SPDX-License-Identifier: LGPL-2.1-or-later
#include "probe.h"

#include <linux/capability.h>
#include <svirt/sdk.h>
#include <svirt/sdk_fd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

namespace svirt::dac {
namespace {

int TryChown(const IdRange &range) {
  const sdk::Fd file(::memfd_create("svirt-dac-probe", MFD_CLOEXEC));
  if (!file || ::fchown(file.get(), range.first, range.first) != 0 ||
      ::fchown(file.get(), range.last(), range.last()) != 0) {
    return errno;
  }
  return 0;
}

}  // namespace

Privileges ReadPrivileges(const IdRange &range) {
  Privileges privileges;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, data) == 0) {
    const auto has = [&data](unsigned capability) {
      return (data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
    };
    privileges.chown = has(CAP_CHOWN);
    privileges.setuid = has(CAP_SETUID);
    privileges.setgid = has(CAP_SETGID);
  }
  privileges.chown_errno = TryChown(range);
  return privileges;
}

svirt_status ProbeDriver(const Privileges &privileges, const IdRange &range, const char *virt_type,
                         svirt_error *reason) {
  if (virt_type != nullptr && std::string_view(virt_type) == "xen") {
    return sdk::Fail(reason, SVIRT_INACTIVE, 0,
                     "DAC separates processes by user and group, and a Xen domain is no process: "
                     "use a model that Xen enforces");
  }
  std::string missing;
  const auto need = [&missing](bool has, const char *name) {
    missing += has ? "" : (missing.empty() ? "" : ", ") + std::string(name);
  };
  need(privileges.chown, "CAP_CHOWN");
  need(privileges.setuid, "CAP_SETUID");
  need(privileges.setgid, "CAP_SETGID");
  if (!missing.empty()) {
    return sdk::Fail(reason, SVIRT_INACTIVE, 0,
                     "this process may not give files and processes to other users: it lacks %s; "
                     "run svirt as root",
                     missing.c_str());
  }
  if (privileges.chown_errno != 0) {
    return sdk::Fail(reason, SVIRT_INACTIVE, privileges.chown_errno,
                     "a file cannot be given to the ids %u to %u (%s): choose ids that this user "
                     "namespace has (/proc/self/uid_map), with first_id and count under "
                     "[model dac] in svirt.conf",
                     range.first, range.last(), std::strerror(privileges.chown_errno));
  }
  return sdk::Say(reason, SVIRT_OK, "domains get user and group ids of their own, from %u to %u",
                  range.first, range.last());
}

}  // namespace svirt::dac
