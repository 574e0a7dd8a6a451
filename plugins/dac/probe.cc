// SPDX-License-Identifier: LGPL-2.1-or-later
// Tries chown(2) with the ids of the range, and looks at capabilities and the user namespace.
#include "probe.h"

#include <fcntl.h>
#include <svirt/sdk.h>
#include <svirt/sdk_fd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace svirt::dac {
namespace {

int TryChown(const std::vector<IdRange> &ids) {
  const sdk::Fd file(::memfd_create("svirt-dac-probe", MFD_CLOEXEC));
  if (!file) {
    return errno;
  }
  for (const IdRange &range : ids) {
    if (::fchown(file.get(), range.first, range.first) != 0 ||
        ::fchown(file.get(), range.last(), range.last()) != 0) {
      return errno;
    }
  }
  return 0;
}

// A namespace whose map was written without privileges keeps its processes in their groups.
bool MaySetGroups() {
  const sdk::Fd file(::open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC));
  std::array<char, 8> text{};
  return !file || ::read(file.get(), text.data(), text.size()) < 4 ||
         std::string_view(text.data(), 4) != "deny";
}

}  // namespace

bool HasCapability(unsigned capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  return ::syscall(SYS_capget, &header, data) == 0 &&
         (data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
}

Privileges ReadPrivileges(const IdRange &range) {
  Privileges privileges;
  privileges.chown = HasCapability(CAP_CHOWN);
  privileges.setuid = HasCapability(CAP_SETUID);
  privileges.setgid = HasCapability(CAP_SETGID);
  privileges.map_errno = ReadIdMap(&privileges.map);
  privileges.setgroups = MaySetGroups();
  privileges.chown_errno = TryChown(privileges.map.Within(range));
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
  if (privileges.map_errno != 0) {
    return sdk::Fail(reason, SVIRT_E_SYSTEM, privileges.map_errno,
                     "cannot read which ids this user namespace has, /proc/self/uid_map and "
                     "gid_map: %s; mount /proc",
                     std::strerror(privileges.map_errno));
  }
  const std::vector<IdRange> ids = privileges.map.Within(range);
  if (ids.empty()) {
    return sdk::Fail(reason, SVIRT_INACTIVE, 0,
                     "none of the ids %u to %u that domains would get exists in this user "
                     "namespace (a container, or unshare); it has %s: choose ids that it has with "
                     "first_id and count under [model dac] in svirt.conf, or give it more "
                     "(/etc/subuid and /etc/subgid outside)",
                     range.first, range.last(), privileges.map.Text().c_str());
  }
  if (!privileges.setgroups) {
    return sdk::Fail(reason, SVIRT_INACTIVE, 0,
                     "no process of this user namespace may leave its groups, so domains would "
                     "have those of root (/proc/self/setgroups says deny): make it by newuidmap "
                     "and newgidmap, as podman does");
  }
  if (privileges.chown_errno != 0) {
    return sdk::Fail(reason, SVIRT_INACTIVE, privileges.chown_errno,
                     "a file cannot be given to the ids %s (%s): choose others with first_id and "
                     "count under [model dac] in svirt.conf",
                     FormatRanges(ids).c_str(), std::strerror(privileges.chown_errno));
  }
  const bool is_cut = ids.size() != 1 || ids[0].count != range.count;
  return sdk::Say(reason, SVIRT_OK, "domains get user and group ids of their own, from %s%s",
                  FormatRanges(ids).c_str(),
                  is_cut ? ", which this user namespace has of those configured" : "");
}

}  // namespace svirt::dac
