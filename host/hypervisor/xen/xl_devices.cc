// SPDX-License-Identifier: LGPL-2.1-or-later
// Checks each value of a device and joins them with commas.
#include "host/hypervisor/xen/xl_devices.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "host/domain/device_names.h"
#include "host/util/text.h"

namespace svirt {
namespace {

constexpr size_t kMostInterfaceName = 15;  // IFNAMSIZ without its NUL

Error Unsupported(const std::string &what, const std::string &sentence) {
  return Error{Errc::kUnsupported, what + ": " + sentence};
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsSmallLetter(char c) {
  return c >= 'a' && c <= 'z';
}

// xvda, sdb1, hdc: the names by which xl knows a disk's number.
bool IsDiskName(std::string_view name) {
  const size_t prefix = name.starts_with("xvd") ? 3 : 2;
  if (name.size() > 8 || (prefix == 2 && !name.starts_with("sd") && !name.starts_with("hd"))) {
    return false;
  }
  name.remove_prefix(prefix);
  const auto digits = std::ranges::find_if_not(name, IsSmallLetter);
  const auto letters = digits - name.begin();
  return letters >= 1 && letters <= 2 && std::all_of(digits, name.end(), IsDigit);
}

// Names of network devices go into a list without escapes, and to scripts.
bool IsInterfaceName(std::string_view name) {
  return !name.empty() && name.size() <= kMostInterfaceName && name.front() != '-' && name != "." &&
         name != ".." && std::ranges::all_of(name, [](char c) {
           return IsDigit(c) || IsSmallLetter(c) || (c >= 'A' && c <= 'Z') || c == '_' ||
                  c == '-' || c == '.';
         });
}

}  // namespace

Result<std::string> DiskForXl(const Disk &disk, const std::string &driver) {
  const std::string what = "disk " + Printable(disk.target);
  if (disk.device != "disk") {
    return Unsupported(what, "a domain without an emulator has no " + disk.device +
                                 "; write device='disk', with <readonly/> for what it only reads");
  }
  if (!IsDiskName(disk.target) || (!disk.bus.empty() && disk.bus != "xen")) {
    return Unsupported(what,
                       "its target must be one of bus 'xen', such as <target dev='xvda' "
                       "bus='xen'/>");
  }
  if (disk.shareable) {
    return Unsupported(what, "xl cannot be told that it is shared");
  }
  const ImageSource &image = disk.chain.front();
  if (image.type != ImageSource::Type::kFile && image.type != ImageSource::Type::kBlock) {
    return Unsupported(what, "only files and block devices can be its source");
  }
  // Anything else is read by an emulator in the control domain, which nobody would confine.
  if (image.format != "raw" || disk.chain.size() > 1 || !image.data_file.empty() ||
      (!driver.empty() && driver != "phy" && driver != "file")) {
    return Unsupported(what,
                       "only a raw image is given to a domain without an emulator in the "
                       "control domain: write <driver name='phy' type='raw'/>, and convert "
                       "the image if it is no raw one");
  }
  if (image.path.empty() || image.path.back() == ',') {
    return Unsupported(what,
                       "xl would drop the comma at the end of the path " + Quoted(image.path));
  }
  // The path comes last: it takes the rest of the line, commas and all.
  return std::string("format=raw,backendtype=phy,vdev=") + disk.target +
         ",access=" + (disk.readonly ? "ro" : "rw") + ",target=" + image.path;
}

Result<std::string> InterfaceForXl(const Interface &interface) {
  const std::string what =
      "interface" + (interface.mac.empty() ? "" : " " + Printable(interface.mac));
  if (interface.type != "bridge") {
    return Unsupported(what, "only <interface type='bridge'> can be given to a domain, not " +
                                 Quoted(interface.type));
  }
  if (!IsInterfaceName(interface.source)) {
    return Error{Errc::kInvalid, what + ": " + Quoted(interface.source) +
                                     " is no name of a bridge; write <source bridge='NAME'/>"};
  }
  std::string spec = "type=vif,bridge=" + interface.source;
  if (!interface.mac.empty()) {
    if (!IsMac(interface.mac)) {
      return Error{Errc::kInvalid, what + ": " + Quoted(interface.mac) + " is no MAC address"};
    }
    spec += ",mac=" + interface.mac;
  }
  if (!interface.target.empty()) {
    if (!IsInterfaceName(interface.target)) {
      return Error{Errc::kInvalid,
                   what + ": " + Quoted(interface.target) + " is no name of a network device"};
    }
    spec += ",vifname=" + interface.target;
  }
  return spec;
}

Result<std::string> HostDeviceForXl(const HostDevice &device) {
  if (device.type != "pci") {
    return Unsupported("hostdev",
                       "only PCI devices can be given to a domain without an emulator, "
                       "not " +
                           Quoted(device.type));
  }
  char address[32];
  std::snprintf(address, sizeof address, "%04x:%02x:%02x.%x", device.domain, device.bus,
                device.slot, device.function);
  if (!device.rom_file.empty()) {
    return Unsupported(std::string("hostdev ") + address,
                       "a domain without an emulator reads no ROM file");
  }
  return std::string(address) + (device.managed ? ",seize=1" : "");
}

Status CheckConsole(const Chardev &device) {
  if (device.kind != "console" || device.source.type != CharSource::Type::kPty ||
      !device.source.log_path.empty()) {
    return Unsupported(device.kind,
                       "the one character device of a domain is its console: write "
                       "<console type='pty'/>, and read it with 'xl console'");
  }
  return {};
}

}  // namespace svirt
