// SPDX-License-Identifier: LGPL-2.1-or-later
// Compares devices kind by kind: by alias first, else by address, target or content.
#include "host/domain/device_match.h"

#include <algorithm>

#include "host/domain/device_elements.h"
#include "host/domain/device_names.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;

std::string AttributeOf(const ptree &node, const char *path) {
  return node.get<std::string>(path, "");
}

// Is what the one says, if it says anything, what the other says?
bool Agrees(const std::string &wanted, const std::string &has) {
  return wanted.empty() || wanted == has;
}

bool SameHostDevice(const HostDevice &a, const HostDevice &b) {
  if (a.type != b.type) {
    return false;
  }
  if (a.type == "pci") {
    return a.domain == b.domain && a.bus == b.bus && a.slot == b.slot && a.function == b.function;
  }
  if (a.type == "usb") {
    // The place says more than the ids, which several devices may have.
    return a.device != 0 || b.device != 0
               ? a.bus == b.bus && a.device == b.device
               : a.vendor_id == b.vendor_id && a.product_id == b.product_id;
  }
  if (a.type == "mdev") {
    return a.mdev_uuid == b.mdev_uuid;
  }
  return a.adapter == b.adapter && a.scsi_bus == b.scsi_bus && a.target == b.target &&
         a.unit == b.unit && a.wwpn == b.wwpn;
}

bool Means(const Interface &wanted, const Interface &has) {
  if (wanted.mac.empty() && wanted.target.empty()) {
    return wanted.type == has.type && Agrees(wanted.source, has.source) &&
           Agrees(wanted.socket_path, has.socket_path);
  }
  return Agrees(wanted.mac, has.mac) && Agrees(wanted.target, has.target);
}

bool Means(const Chardev &wanted, const ptree &wanted_node, const Chardev &has,
           const ptree &has_node) {
  return wanted.kind == has.kind && !has.serial_alias &&
         Agrees(wanted.target_type, has.target_type) &&
         Agrees(wanted.target_name, has.target_name) &&
         Agrees(AttributeOf(wanted_node, "target.<xmlattr>.port"),
                AttributeOf(has_node, "target.<xmlattr>.port")) &&
         Agrees(wanted.source.path, has.source.path);
}

bool Means(const MemoryDevice &wanted, const ptree &wanted_node, const MemoryDevice &has,
           const ptree &has_node) {
  return wanted.model == has.model && wanted.size_bytes == has.size_bytes &&
         wanted.node == has.node && wanted.path == has.path && wanted.readonly == has.readonly &&
         Agrees(AttributeOf(wanted_node, "address.<xmlattr>.slot"),
                AttributeOf(has_node, "address.<xmlattr>.slot")) &&
         Agrees(AttributeOf(wanted_node, "address.<xmlattr>.base"),
                AttributeOf(has_node, "address.<xmlattr>.base"));
}

// Those of the list that the test is true of, but for the last count.
template <typename List, typename Test>
std::vector<size_t> Where(const List &list, size_t without, Test test) {
  std::vector<size_t> places;
  for (size_t i = 0; i + without < list.size(); ++i) {
    if (test(i)) {
      places.push_back(i);
    }
  }
  return places;
}

}  // namespace

std::vector<size_t> MatchDevices(const Domain &domain, const Domain &wanted,
                                 const std::string &element, const ptree &node) {
  const std::string alias = AttributeOf(node, "alias.<xmlattr>.name");
  ptree document = domain.document;
  if (element == "disk") {
    const std::string target = AttributeOf(node, "target.<xmlattr>.dev");
    return Where(domain.disks, 0,
                 [&](size_t i) { return !target.empty() && domain.disks[i].target == target; });
  }
  if (element == "interface") {
    Interface meant = wanted.interfaces.front();
    meant.mac = meant.mac.empty() ? "" : MacAddresses(wanted).front();
    const std::vector<std::string> macs = MacAddresses(domain);
    return Where(domain.interfaces, 0, [&](size_t i) {
      Interface has = domain.interfaces[i];
      has.mac = macs[i];
      return Agrees(alias, has.alias) && Means(meant, has);
    });
  }
  if (IsChardevElement(element)) {
    const DeviceElements elements = FindDeviceElements(&document, element);
    return Where(domain.chardevs, 0, [&](size_t i) {
      const Chardev &has = domain.chardevs[i];
      return Agrees(alias, has.alias) &&
             Means(wanted.chardevs.front(), node, has, elements.at(i).node());
    });
  }
  if (element == "memory") {
    const DeviceElements elements = FindDeviceElements(&document, element);
    return Where(domain.memory_devices, 0, [&](size_t i) {
      const MemoryDevice &has = domain.memory_devices[i];
      return Agrees(alias, has.alias) &&
             Means(wanted.memory_devices.front(), node, has, elements.at(i).node());
    });
  }
  if (element == "hostdev") {
    return Where(domain.hostdevs, 0, [&](size_t i) {
      const HostDevice &has = domain.hostdevs[i];
      return Agrees(alias, has.alias) && SameHostDevice(wanted.hostdevs.front(), has);
    });
  }
  return {};
}

std::string FindDuplicate(const Domain &domain, const std::string &element) {
  if (element == "disk" && !domain.disks.empty()) {
    const std::string &target = domain.disks.back().target;
    if (!Where(domain.disks, 1, [&](size_t i) {
           return domain.disks[i].target == target;
         }).empty()) {
      return "a disk " + target;
    }
  } else if (element == "interface" && !domain.interfaces.empty()) {
    const Interface &added = domain.interfaces.back();
    const std::vector<std::string> macs = MacAddresses(domain);
    if (!Where(macs, 1, [&](size_t i) { return macs[i] == macs.back(); }).empty()) {
      return "an interface with MAC address " + macs.back();
    }
    if (!Where(domain.interfaces, 1, [&](size_t i) {
           return !added.target.empty() && domain.interfaces[i].target == added.target;
         }).empty()) {
      return "an interface with target " + added.target;
    }
  } else if (IsChardevElement(element) && !domain.chardevs.empty()) {
    const Chardev &added = domain.chardevs.back();
    const auto same = [&](const std::string &mine, auto of) {
      return !Where(domain.chardevs, 1, [&](size_t i) {
                return !mine.empty() && of(domain.chardevs[i]) == mine;
              }).empty();
    };
    if (same(added.target_name, [](const Chardev &c) { return c.target_name; })) {
      return "a " + element + " with name " + added.target_name;
    }
    if (same(added.source.path, [](const Chardev &c) { return c.source.path; })) {
      return "a character device with path " + added.source.path;
    }
  } else if (element == "memory" && !domain.memory_devices.empty()) {
    const std::string &path = domain.memory_devices.back().path;
    if (!Where(domain.memory_devices, 1, [&](size_t i) {
           return !path.empty() && domain.memory_devices[i].path == path;
         }).empty()) {
      return "a memory device with path " + path;
    }
  } else if (element == "hostdev" && !domain.hostdevs.empty()) {
    const HostDevice &added = domain.hostdevs.back();
    if (!Where(domain.hostdevs, 1, [&](size_t i) {
           return SameHostDevice(added, domain.hostdevs[i]);
         }).empty()) {
      return "this device of the host";
    }
  }
  return "";
}

}  // namespace svirt
