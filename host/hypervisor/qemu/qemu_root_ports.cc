// SPDX-License-Identifier: LGPL-2.1-or-later
// Places PCI devices in root ports, keeps some ports free, and asks QEMU which are.
#include "host/hypervisor/qemu/qemu_root_ports.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

namespace svirt {
namespace {

using nlohmann::json;

// Free ports beside those of the domain's own devices: for some disks and cards. Each costs the
// guest a bus, a window of memory and time at boot, so whoever wants more lists them.
constexpr size_t kSpare = 4;

// Eight to a slot of the board, in its last slots, so that a device that has no port keeps its
// address however many ports there are. The very last slot has the board's own devices.
constexpr size_t kPerSlot = 8;
constexpr size_t kFirstSlot = 0x17;
constexpr size_t kEndSlot = 0x1f;
constexpr size_t kMost = (kEndSlot - kFirstSlot) * kPerSlot;

std::string PortName(size_t number) {
  return "root-port" + std::to_string(number);
}

json MakePort(size_t number) {
  std::array<char, 40> address;
  std::snprintf(address.data(), address.size(), "%zx.%zx", kFirstSlot + number / kPerSlot,
                number % kPerSlot);
  json port = {{"driver", "pcie-root-port"},
               {"id", PortName(number)},
               {"bus", "pcie.0"},
               {"addr", address.data()},
               {"chassis", number + 1}};  // 0 is the board
  if (number % kPerSlot == 0) {
    port["multifunction"] = true;
  }
  return port;
}

// Is the member of a bus, as QEMU lists it, a device on it?
bool IsChild(const json &member) {
  const json name = member.is_object() ? member.value("name", json()) : json();
  return name.is_string() && name.get<std::string>().starts_with("child[");
}

size_t CountListed(const QemuBuilder &builder) {
  const auto controllers = builder.XmlDevices("controller");
  return static_cast<size_t>(std::ranges::count_if(controllers, [](const auto *controller) {
    return controller->template get<std::string>("<xmlattr>.type", "") == "pci" &&
           controller->template get<std::string>("<xmlattr>.model", "") == "pcie-root-port";
  }));
}

}  // namespace

Result<std::vector<QemuOption>> WithRootPorts(const QemuBuilder &builder,
                                              std::vector<QemuOption> options) {
  if (!builder.is_q35()) {
    return options;
  }
  size_t used = 0;
  for (QemuOption &option : options) {
    if (option.wants_root_port) {
      option.qmp["bus"] = PortName(used++);
      option.value = option.qmp.dump();
    }
  }
  const size_t listed = CountListed(builder);
  const size_t needed = std::max(listed, used);
  if (needed > kMost) {
    return Unsupported("domain " + builder.domain.name,
                       "its devices and <controller>s ask for " + std::to_string(needed) +
                           " PCIe root ports, and a machine is given at most " +
                           std::to_string(kMost) + ": remove some");
  }
  const size_t count = std::min(std::max(listed, used + kSpare), kMost);
  QemuArgs ports;
  for (size_t i = 0; i < count; ++i) {
    ports.Add("-device", MakePort(i));
  }
  std::vector<QemuOption> made = std::move(ports).Take();
  const auto first_device = std::ranges::find(options, "-device", &QemuOption::name);
  options.insert(first_device, std::make_move_iterator(made.begin()),
                 std::make_move_iterator(made.end()));
  return options;
}

Result<std::string> FindFreeRootPort(QmpClient &monitor, const std::set<std::string> &present,
                                     const std::string &device) {
  size_t number = 0;
  for (; number < kMost && present.contains(PortName(number)); ++number) {
    const std::string name = PortName(number);
    // Not query-pci: a guest that has not set up its bridges, or not as it should, hides what is
    // behind them from that.
    SVIRT_ASSIGN(
        const json members,
        monitor.Execute("qom-list", {{"path", "/machine/peripheral/" + name + "/" + name}}));
    if (std::none_of(members.begin(), members.end(), IsChild)) {
      return name;
    }
  }
  return Error{Errc::kUnsupported,
               "no PCIe root port is free for device " + device + ": each of the domain's " +
                   std::to_string(number) +
                   " has one; detach a device, or define the domain with " +
                   std::to_string(number + 1) +
                   " <controller type='pci' model='pcie-root-port'/> and start it anew"};
}

}  // namespace svirt
