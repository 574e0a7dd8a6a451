// SPDX-License-Identifier: LGPL-2.1-or-later
// Gives devices to a running QEMU and takes them away.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/hypervisor/qemu/qmp_client.h"
#include "host/util/result.h"

namespace svirt {

// One command of QEMU's monitor.
struct QmpCommand {
  std::string name;
  nlohmann::json arguments;
  bool in_root_port = false;  // of a device whose bus is a free PCIe root port
};

// The tap device of an interface: a netdev with that id is given its descriptor, by the same name.
struct TapToPass {
  std::string name;
  std::string device, bridge;  // as for OpenTap
};
using TapOpener = std::function<Result<Fd>(const std::string &device, const std::string &bridge)>;

// What makes of one running domain another: the difference of their command lines, as commands.
struct QemuChange {
  std::vector<TapToPass> taps;
  std::vector<QmpCommand> add;
  std::vector<QmpCommand> reopen;   // block nodes that stay, with another access
  std::vector<std::string> unplug;  // ids of devices to be taken from the guest
  std::vector<QmpCommand> remove;   // what they leave, after they are gone
};

// Errc::kUnsupported: QEMU cannot be changed from one into the other while it runs. kExists: two
// parts of the second domain would have the same id. At what place a device stands in the boot
// order is nothing of one that runs.
Result<QemuChange> PlanQemuChange(const Domain &from, const Domain &to);

// Runs change.add up to the first that QEMU refuses, leaving out controllers that are there. Which
// root port a device is put into is decided here, by what is free in QEMU. Those before it stay:
// the opposite change takes them back.
Status Plug(QmpClient &monitor, const QemuChange &change, const TapOpener &open_tap);

// Runs change.reopen, which by itself does or does not succeed as a whole.
Status Reopen(QmpClient &monitor, const QemuChange &change);

// Runs change.unplug and change.remove, leaving out what is not there (any more): it may be asked
// again. Errc::kConflict if the guest does not let go of a device in time: nothing is removed then,
// but it may let go later. A controller that cannot go stays, empty.
Status Unplug(QmpClient &monitor, const QemuChange &change, std::chrono::milliseconds timeout);

}  // namespace svirt
