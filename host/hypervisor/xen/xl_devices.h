// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns disks, interfaces and devices of the host into words for xl.
#pragma once

#include <string>

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// The specifications of one device as xl's lists take them, not yet quoted. Values are separated by
// commas for which there is no escape, so that each is checked.
Result<std::string> DiskForXl(const Disk &disk, const std::string &driver);
Result<std::string> InterfaceForXl(const Interface &interface);
Result<std::string> HostDeviceForXl(const HostDevice &device);
Status CheckConsole(const Chardev &device);

}  // namespace svirt
