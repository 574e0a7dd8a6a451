// SPDX-License-Identifier: LGPL-2.1-or-later
// Describes a PCI device by the hardware for which Xen keeps labels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace svirt::flask {

struct HardwareRange {
  uint64_t first = 0, last = 0;
};

// What of a PCI device the hypervisor has labels for.
struct PciDevice {
  uint32_t address = 0;  // segment << 16 | bus << 8 | slot << 3 | function
  std::optional<uint32_t> irq;
  std::vector<HardwareRange> io_ports;
  std::vector<HardwareRange> io_memory;  // page frames
};

// Where sysfs has the PCI devices by their address.
inline constexpr std::string_view kPciDirectory = "/sys/bus/pci/devices/";

// "0000:03:00.0" as a number; nullopt if it is not an address.
std::optional<uint32_t> ParsePciAddress(std::string_view text);

// Adds the ranges in the file "resource" of a device: lines of first, last and flags.
bool ParsePciRanges(std::string_view text, PciDevice *device);

// The device whose directory in sysfs the descriptor is of. 0 or an errno; ENODEV: it is none.
int ReadPciDevice(int fd, PciDevice *device);

}  // namespace svirt::flask
