// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds the nodes of the host's PCI, USB, SCSI and mdev devices, and adds them to the manifest.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "host/domain/device_elements.h"
#include "host/domain/manifest_builder.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;

constexpr char kUsbDevices[] = "/sys/bus/usb/devices";

std::string Padded(unsigned number, unsigned base, size_t width) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (; number != 0; number /= base) {
    text.insert(text.begin(), kDigits[number % base]);
  }
  return std::string(width - std::min(width, text.size()), '0') + text;
}

// Numbers as sysfs files hold them; nullopt if there is none.
std::optional<unsigned> ReadNumber(const fs::path &file, int base) {
  std::ifstream stream(file);
  unsigned number = 0;
  stream >> (base == 16 ? std::hex : std::dec) >> number;
  return stream ? std::optional(number) : std::nullopt;
}

struct UsbDevice {
  unsigned bus, device, vendor, product;

  std::string Ids() const { return Padded(vendor, 16, 4) + ":" + Padded(product, 16, 4); }
  std::string Place() const {
    return "bus " + std::to_string(bus) + " device " + std::to_string(device);
  }
};

std::vector<UsbDevice> ListUsb(const std::string &directory) {
  std::vector<UsbDevice> devices;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const auto bus = ReadNumber(it->path() / "busnum", 10);
    const auto device = ReadNumber(it->path() / "devnum", 10);
    const auto vendor = ReadNumber(it->path() / "idVendor", 16);
    const auto product = ReadNumber(it->path() / "idProduct", 16);
    // Interfaces stand among the devices; they have no numbers.
    if (bus && device && vendor && product) {
      devices.push_back({*bus, *device, *vendor, *product});
    }
  }
  std::sort(devices.begin(), devices.end(), [](const UsbDevice &a, const UsbDevice &b) {
    return std::pair(a.bus, a.device) < std::pair(b.bus, b.device);
  });
  return devices;
}

Result<UsbDevice> ChooseUsb(const HostDevice &wanted, const std::string &what,
                            const std::vector<UsbDevice> &present) {
  const UsbDevice ids{wanted.bus, wanted.device, wanted.vendor_id, wanted.product_id};
  if (wanted.device != 0) {
    for (const UsbDevice &device : present) {
      if (device.bus != wanted.bus || device.device != wanted.device) {
        continue;
      }
      if (wanted.vendor_id != 0 && device.Ids() != ids.Ids()) {
        return Error{Errc::kRefused, what + ": " + device.Place() + " is " + device.Ids() +
                                         " now, not " + ids.Ids() + "; look it up with lsusb"};
      }
      return device;
    }
    return Error{Errc::kNotFound,
                 what + ": there is no USB device at " + ids.Place() + "; look it up with lsusb"};
  }
  std::vector<UsbDevice> matches;
  for (const UsbDevice &device : present) {
    if (device.Ids() == ids.Ids()) {
      matches.push_back(device);
    }
  }
  if (matches.empty()) {
    return Error{Errc::kNotFound, what + ": no USB device " + ids.Ids() + " is plugged in"};
  }
  if (matches.size() > 1) {
    std::string places;
    for (const UsbDevice &device : matches) {
      places += (places.empty() ? "" : ", ") + device.Place();
    }
    return Error{Errc::kRefused, what + ": USB device " + ids.Ids() + " is there more than once (" +
                                     places + "); say which one with <address bus= device=/>"};
  }
  return matches.front();
}

std::vector<std::string> HostDevicePaths(const Manifest &manifest) {
  std::vector<std::string> paths;
  for (const Resource &resource : manifest.resources) {
    if (resource.kind == ResourceKind::kHostdev) {
      paths.push_back(resource.path);
    }
  }
  return paths;
}

}  // namespace

void PinUsbDevices(Domain *domain, const ManifestOptions &options) {
  const std::vector<UsbDevice> present =
      ListUsb((options.root == "/" ? "" : options.root) + kUsbDevices);
  const DeviceElements elements = FindDeviceElements(&domain->document, "hostdev");
  for (size_t i = 0; i < elements.size(); ++i) {
    HostDevice &hostdev = domain->hostdevs.at(i);
    if (hostdev.type != "usb" || hostdev.device == 0 || hostdev.vendor_id != 0) {
      continue;
    }
    const auto found = std::ranges::find_if(present, [&hostdev](const UsbDevice &device) {
      return device.bus == hostdev.bus && device.device == hostdev.device;
    });
    if (found != present.end()) {
      hostdev.vendor_id = found->vendor;
      hostdev.product_id = found->product;
      auto &source = elements[i].node().get_child("source");
      source.put("vendor.<xmlattr>.id", "0x" + Padded(found->vendor, 16, 4));
      source.put("product.<xmlattr>.id", "0x" + Padded(found->product, 16, 4));
    }
  }
}

Status CheckHostDevices(const Domain &domain, const ManifestOptions &options,
                        const Manifest &manifest) {
  if (domain.hostdevs.empty()) {
    return {};
  }
  SVIRT_ASSIGN(const Manifest now, BuildManifest(domain, options));
  if (HostDevicePaths(now) != HostDevicePaths(manifest)) {
    return Error{Errc::kRefused, "a device of the host that domain '" + domain.name +
                                     "' is given was unplugged or plugged in anew just now; try "
                                     "again"};
  }
  return {};
}

void ManifestBuilder::AddHostDevices() {
  size_t number = 0;
  for (const HostDevice &hostdev : domain_.hostdevs) {
    const std::string device = "hostdev" + std::to_string(number++);
    if (hostdev.type == "pci") {
      AddPci(hostdev.position, device,
             {hostdev.domain, hostdev.bus, hostdev.slot, hostdev.function}, hostdev.seclabels);
    } else if (hostdev.type == "mdev") {
      AddVfio(hostdev.position, device, "/sys/bus/mdev/devices/" + hostdev.mdev_uuid,
              hostdev.seclabels);
    } else if (hostdev.type == "usb") {
      AddUsb(hostdev, device);
    } else if (hostdev.type == "scsi") {
      AddScsi(hostdev, device);
    } else if (hostdev.type == "scsi_host") {
      Add(hostdev.position, {.kind = ResourceKind::kHostdev,
                             .object = ObjectType::kChar,
                             .access = kAccessReadWrite,
                             .shared = true,
                             .path = "/dev/vhost-scsi",
                             .device = device,
                             .overrides = hostdev.seclabels});
    }
    if (!hostdev.rom_file.empty()) {
      Add(hostdev.position, {.kind = ResourceKind::kFirmware,
                             .object = ObjectType::kFile,
                             .shared = true,
                             .path = hostdev.rom_file,
                             .device = device,
                             .overrides = {}});
    }
  }
}

void ManifestBuilder::AddPci(uint32_t position, const std::string &device,
                             const PciAddress &address,
                             const std::vector<DeviceSecLabel> &overrides) {
  const std::string name = Padded(address.domain, 16, 4) + ":" + Padded(address.bus, 16, 2) + ":" +
                           Padded(address.slot, 16, 2) + "." + Padded(address.function, 16, 1);
  const std::string sysfs = "/sys/bus/pci/devices/" + name;
  if (!options_.pci_by_sysfs) {
    AddVfio(position, device, sysfs, overrides);
    return;
  }
  std::error_code error;
  if (!fs::exists(Below(sysfs), error)) {
    Refuse(position, Error{Errc::kNotFound, device + ": there is no device " + sysfs});
    return;
  }
  Add(position, {.kind = ResourceKind::kHostdev,
                 .object = ObjectType::kDir,
                 .access = kAccessReadWrite,
                 .path = sysfs,
                 .device = device,
                 .overrides = overrides});
}

// VFIO hands a device over by the node of its IOMMU group and the one of VFIO itself.
void ManifestBuilder::AddVfio(uint32_t position, const std::string &device,
                              const std::string &sysfs,
                              const std::vector<DeviceSecLabel> &overrides) {
  std::error_code error;
  if (!fs::exists(Below(sysfs), error)) {
    Refuse(position, Error{Errc::kNotFound, device + ": there is no device " + sysfs});
    return;
  }
  const fs::path group = fs::read_symlink(Below(sysfs) + "/iommu_group", error).filename();
  if (error || group.empty()) {
    Refuse(position,
           Error{Errc::kUnsupported,
                 device + ": " + sysfs +
                     " is in no IOMMU group, so it cannot be handed over; switch the IOMMU on "
                     "(intel_iommu=on or amd_iommu=on on the kernel's command line)"});
    return;
  }
  Add(position, {.kind = ResourceKind::kHostdev,
                 .object = ObjectType::kChar,
                 .access = kAccessReadWrite,
                 .path = "/dev/vfio/" + group.string(),
                 .device = device,
                 .overrides = overrides});
  if (vfio_) {
    return;
  }
  vfio_ = true;
  Add(position, {.kind = ResourceKind::kOther,
                 .object = ObjectType::kChar,
                 .access = kAccessReadWrite,
                 .shared = true,
                 .path = "/dev/vfio/vfio",
                 .device = device,
                 .overrides = {}});
}

void ManifestBuilder::AddUsb(const HostDevice &hostdev, const std::string &device) {
  const auto chosen = ChooseUsb(hostdev, device, ListUsb(Below(kUsbDevices)));
  if (!chosen.ok()) {
    Refuse(hostdev.position, chosen.error());
    return;
  }
  Add(hostdev.position,
      {.kind = ResourceKind::kHostdev,
       .object = ObjectType::kChar,
       .access = kAccessReadWrite,
       .path = "/dev/bus/usb/" + Padded(chosen->bus, 10, 3) + "/" + Padded(chosen->device, 10, 3),
       .device = device,
       .overrides = hostdev.seclabels});
}

void ManifestBuilder::AddScsi(const HostDevice &hostdev, const std::string &device) {
  if (hostdev.iscsi) {
    return;
  }
  const std::string prefix = "scsi_host";
  const std::string host =
      hostdev.adapter.starts_with(prefix) ? hostdev.adapter.substr(prefix.size()) : "";
  if (host.empty() || host.find_first_not_of("0123456789") != std::string::npos) {
    Refuse(hostdev.position, Error{Errc::kInvalid, device + ": the adapter '" + hostdev.adapter +
                                                       "' is not of the form scsi_hostN"});
    return;
  }
  const std::string sysfs =
      "/sys/bus/scsi/devices/" + host + ":" + std::to_string(hostdev.scsi_bus) + ":" +
      std::to_string(hostdev.target) + ":" + std::to_string(hostdev.unit) + "/scsi_generic";
  std::error_code error;
  const fs::directory_iterator generic(Below(sysfs), error);
  if (error || generic == fs::directory_iterator()) {
    Refuse(hostdev.position,
           Error{Errc::kNotFound, device + ": there is no SCSI device with a generic node at " +
                                      sysfs + "; look it up with lsscsi -g"});
    return;
  }
  Add(hostdev.position, {.kind = ResourceKind::kHostdev,
                         .object = ObjectType::kChar,
                         .access = hostdev.readonly ? kAccessRead : kAccessReadWrite,
                         .shared = hostdev.shareable,
                         .path = "/dev/" + generic->path().filename().string(),
                         .device = device,
                         .overrides = hostdev.seclabels});
}

}  // namespace svirt
