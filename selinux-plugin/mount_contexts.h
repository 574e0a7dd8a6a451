// SPDX-License-Identifier: LGPL-2.1-or-later
// Which mounts give everything on them one label (mount(8), "context=").
#pragma once

#include <svirt/sdk_fd.h>

#include <cstdint>
#include <mutex>
#include <set>
#include <string_view>

namespace svirt::selinux {

// The numbers of those in a list in the form of proc_pid_mountinfo(5).
std::set<uint64_t> MountsWithContext(std::string_view mountinfo);

// Those of this process; the list is read again only when the kernel says that it has changed. Any
// thread.
class MountContexts {
 public:
  // 0 or an errno.
  int Has(uint64_t mount, bool *has);

 private:
  int Read();

  std::mutex mutex_;
  sdk::Fd list_;
  std::set<uint64_t> mounts_;
};

}  // namespace svirt::selinux
