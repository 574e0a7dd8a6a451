// SPDX-License-Identifier: LGPL-2.1-or-later
// How the QEMU of a domain is started.
#pragma once

#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/launch/launch.h"
#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// What Launch needs, and the descriptors it refers to: to be kept until Launch has returned.
struct QemuLaunch {
  LaunchSpec spec;  // without recipes, which are the caller's
  std::vector<Fd> fds;
};

// run_dir: the domain's own, made by the caller. log_fd: opened by the caller for appending; takes
// its output. Opens tap devices.
Result<QemuLaunch> LaunchOfQemu(const Domain &domain, const std::string &run_dir, int log_fd);

}  // namespace svirt
