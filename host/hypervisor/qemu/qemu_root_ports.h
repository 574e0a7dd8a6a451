// SPDX-License-Identifier: LGPL-2.1-or-later
// The PCIe root ports into which devices of q35 machines go.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "host/hypervisor/qemu/qemu_builder.h"
#include "host/hypervisor/qemu/qmp_client.h"
#include "host/util/result.h"

namespace svirt {

// PCI Express: nothing comes to or goes from the board of a running q35 machine itself, only the
// root ports on it, each of which holds one device.

// The options with the root ports of the machine, and each device that wants one in a port of its
// own. Other machines have none. Errc::kUnsupported: there would be too many.
Result<std::vector<QemuOption>> WithRootPorts(const QemuBuilder &builder,
                                              std::vector<QemuOption> options);

// The first root port without a device, of a QEMU that has devices of these names; it is asked,
// since it alone knows of a device that the guest has let go too late. device: for the error.
// Errc::kUnsupported: each has one.
Result<std::string> FindFreeRootPort(QmpClient &monitor, const std::set<std::string> &present,
                                     const std::string &device);

}  // namespace svirt
