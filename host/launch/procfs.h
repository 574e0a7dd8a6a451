// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes sure that /proc is the kernel's own.
#pragma once

#include <string>

#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// Opens a directory that has to be the root of a proc file system: an attribute written to
// anything else would confine nobody and still look written (runc CVE-2019-16884,
// CVE-2025-52881). Errc::kRefused if it is something else.
Result<Fd> OpenProcRoot(const std::string &path = "/proc");

}  // namespace svirt
