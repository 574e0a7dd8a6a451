// SPDX-License-Identifier: LGPL-2.1-or-later
// Adds controllers on demand, gives out boot indexes, and looks things up in the XML.
#include "host/hypervisor/qemu/qemu_builder.h"

#include <sys/un.h>

#include <algorithm>

#include "host/domain/document_place.h"

namespace svirt {

using nlohmann::json;

QemuBuilder::QemuBuilder(const Domain &the_domain, const QemuPaths &the_paths)
    : domain(the_domain), paths(the_paths), machine_(the_domain.machine) {
  if (machine_.empty() && is_x86()) {
    machine_ = "pc";
  }
}

bool QemuBuilder::is_x86() const {
  return domain.arch.empty() || domain.arch == "x86_64" || domain.arch == "i686";
}

bool QemuBuilder::is_pc() const {
  return machine_ == "pc" || machine_.starts_with("pc-i440fx-");
}

bool QemuBuilder::is_q35() const {
  return machine_ == "q35" || machine_.starts_with("pc-q35-");
}

std::string QemuBuilder::Virtio(std::string_view device) const {
  std::string_view suffix = "-pci";
  if (is_microvm()) {
    suffix = "-device";
  } else if (domain.arch == "s390x") {
    suffix = "-ccw";
  }
  return std::string(device).append(suffix);
}

void QemuBuilder::AddPluggable(const json &device) {
  if (is_q35()) {
    args.AddInRootPort(device);
  } else {
    args.Add("-device", device);
  }
}

void QemuBuilder::NeedScsi() {
  if (!std::exchange(scsi_, true)) {
    AddPluggable({{"driver", Virtio("virtio-scsi")}, {"id", "scsi0"}});
  }
}

void QemuBuilder::NeedAhci() {
  if (!std::exchange(ahci_, true) && !is_q35()) {
    AddPluggable({{"driver", "ich9-ahci"}, {"id", "sata0"}});
  }
}

void QemuBuilder::Check(uint32_t position, const Status &status) {
  refusals.Add(At(domain, position, status));
}

void QemuBuilder::Check(std::string_view path, const Status &status) {
  Check(PositionOf(domain, path), status);
}

void QemuBuilder::NeedUsb() {
  if (!std::exchange(usb_, true)) {
    AddPluggable({{"driver", "qemu-xhci"}, {"id", "usb0"}});
  }
}

void QemuBuilder::NeedVirtioSerial() {
  if (!std::exchange(virtio_serial_, true)) {
    AddPluggable({{"driver", Virtio("virtio-serial")}, {"id", "virtio-serial0"}});
  }
}

bool IsController(std::string_view id) {
  return id == "scsi0" || id == "sata0" || id == "usb0" || id == "virtio-serial0";
}

std::optional<unsigned> QemuBuilder::TakeBootIndex(std::string_view group, unsigned own_order) {
  if (own_order > 0) {
    return own_order;
  }
  const auto &order = domain.boot_order;
  const auto it = std::find(order.begin(), order.end(), group);
  if (it == order.end() ||
      std::find(taken_boot_.begin(), taken_boot_.end(), group) != taken_boot_.end()) {
    return std::nullopt;
  }
  taken_boot_.emplace_back(group);
  return static_cast<unsigned>(it - order.begin()) + 1;
}

bool QemuBuilder::has_shared_memory() const {
  return Xml("memoryBacking.access.<xmlattr>.mode") == "shared";
}

const boost::property_tree::ptree *QemuBuilder::XmlNode(const std::string &path) const {
  const auto node = domain.document.get_child_optional("domain." + path);
  return node ? &*node : nullptr;
}

std::vector<const boost::property_tree::ptree *> QemuBuilder::XmlDevices(
    std::string_view element) const {
  std::vector<const boost::property_tree::ptree *> found;
  const auto root = domain.document.get_child_optional("domain");
  if (!root) {
    return found;
  }
  for (const auto &[part, devices] : *root) {
    if (part != "devices") {
      continue;  // there may be several
    }
    for (const auto &[name, node] : devices) {
      if (name == element) {
        found.push_back(&node);
      }
    }
  }
  return found;
}

std::string QemuBuilder::Xml(const std::string &path) const {
  const auto *node = XmlNode(path);
  return node != nullptr ? node->data() : "";
}

Error Unsupported(std::string_view what, std::string_view sentence) {
  return Error{Errc::kUnsupported, std::string(what).append(": ").append(sentence)};
}

Status CheckSocketPath(std::string_view what, const std::string &path) {
  if (path.empty()) {
    return Error{Errc::kInvalid, std::string(what) + ": the unix socket has no path"};
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Error{Errc::kInvalid, std::string(what) + ": the path of the unix socket has " +
                                     std::to_string(path.size()) + " bytes and may have " +
                                     std::to_string(sizeof(sockaddr_un::sun_path) - 1) + ": " +
                                     path};
  }
  return {};
}

}  // namespace svirt
