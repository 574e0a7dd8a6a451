// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads <hostdev> and its addresses on the PCI, USB, SCSI and mdev buses.
#include <limits>
#include <string>

#include "host/domain/device_xml.h"
#include "host/domain/seclabel_xml.h"
#include "host/domain/uuid.h"

namespace svirt {
namespace {

constexpr unsigned kAny = std::numeric_limits<unsigned>::max();

Status ReadUsb(const XmlElement &source, HostDevice *out) {
  if (const auto vendor = source.Child("vendor")) {
    SVIRT_ASSIGN(out->vendor_id, vendor->Unsigned("id", 0, 0xffff));
  }
  if (const auto product = source.Child("product")) {
    SVIRT_ASSIGN(out->product_id, product->Unsigned("id", 0, 0xffff));
  }
  if (const auto address = source.Child("address")) {
    SVIRT_ASSIGN(out->bus, address->Unsigned("bus", 0, 999));
    SVIRT_ASSIGN(out->device, address->Unsigned("device", 0, 999));
    if (out->bus == 0 || out->device == 0) {
      return address->Fail(
          "the <address> of a usb device needs bus= and device=, from 1 on, as "
          "lsusb shows them");
    }
  } else if (out->vendor_id == 0) {
    return source.Fail(
        "a usb device needs <address bus= device=/>, or <vendor id=/> and "
        "<product id=/>");
  }
  return {};
}

Status ReadScsi(const XmlElement &source, HostDevice *out) {
  SVIRT_ASSIGN(const std::string protocol,
               source.OneOf("protocol", "adapter", {"adapter", "iscsi"}));
  if (protocol == "iscsi") {
    out->iscsi = true;
    return {};
  }
  if (const auto adapter = source.Child("adapter")) {
    out->adapter = adapter->Attr("name");
  }
  const std::optional<XmlElement> address = source.Child("address");
  if (out->adapter.empty() || !address) {
    return source.Fail(
        "a scsi device needs <adapter name='scsi_hostN'/> and <address bus= target= "
        "unit=/>");
  }
  SVIRT_ASSIGN(out->scsi_bus, address->Unsigned("bus", 0, kAny));
  SVIRT_ASSIGN(out->target, address->Unsigned("target", 0, kAny));
  SVIRT_ASSIGN(out->unit, address->Unsigned("unit", 0, kAny));
  return {};
}

Status ReadMdev(const XmlElement &source, HostDevice *out) {
  const std::optional<XmlElement> address = source.Child("address");
  if (!address) {
    return source.Fail("an mdev device needs <address uuid=/>");
  }
  Result<std::string> uuid = ParseUuid(address->Attr("uuid"));
  if (!uuid) {
    return address->Fail("mdev", uuid.error());
  }
  out->mdev_uuid = *std::move(uuid);
  return {};
}

}  // namespace

Result<PciAddress> ReadPciAddress(const XmlElement &address) {
  PciAddress pci;
  if (address.FindAttr("bus") == nullptr && address.FindAttr("slot") == nullptr) {
    return address.Fail("the <address> of a PCI device needs domain=, bus=, slot= and function=");
  }
  SVIRT_ASSIGN(pci.domain, address.Unsigned("domain", 0, kAny));
  SVIRT_ASSIGN(pci.bus, address.Unsigned("bus", 0, 0xff));
  SVIRT_ASSIGN(pci.slot, address.Unsigned("slot", 0, 0x1f));
  SVIRT_ASSIGN(pci.function, address.Unsigned("function", 0, 7));
  return pci;
}

Status ReadPciSource(const XmlElement &device, HostDevice *out) {
  const std::optional<XmlElement> source = device.Child("source");
  const std::optional<XmlElement> address = source ? source->Child("address") : std::nullopt;
  if (!address) {
    return device.Fail(
        "a pci device needs <source><address domain= bus= slot= function=/>"
        "</source>");
  }
  SVIRT_ASSIGN(const PciAddress pci, ReadPciAddress(*address));
  out->type = "pci";
  out->domain = pci.domain;
  out->bus = pci.bus;
  out->slot = pci.slot;
  out->function = pci.function;
  SVIRT_ASSIGN(out->managed, device.Bool("managed", false));
  SVIRT_ASSIGN(out->rom_file, ReadRomFile(device));
  return {};
}

std::string ReadAlias(const XmlElement &device) {
  const std::optional<XmlElement> alias = device.Child("alias");
  return alias ? alias->Attr("name") : std::string();
}

Result<unsigned> ReadBootOrder(const XmlElement &device) {
  const std::optional<XmlElement> boot = device.Child("boot");
  return boot ? boot->Unsigned("order", 0, kAny) : 0U;
}

Result<std::string> ReadRomFile(const XmlElement &device) {
  const std::optional<XmlElement> rom = device.Child("rom");
  return rom ? rom->Path("file") : std::string();
}

Status ReadHostDevice(const XmlElement &element, Domain *domain) {
  HostDevice device;
  device.position = element.Position();
  device.alias = ReadAlias(element);
  SVIRT_TRY(element.OneOf("mode", "subsystem", {"subsystem"}));
  SVIRT_ASSIGN(device.type, element.OneOf("type", "", {"pci", "usb", "scsi", "scsi_host", "mdev"}));
  if (device.type.empty()) {
    return element.Fail("a <hostdev> needs a type: pci, usb, scsi, scsi_host or mdev");
  }
  const std::optional<XmlElement> source = element.Child("source");
  if (!source) {
    return element.Fail("a <hostdev> needs a <source> that names the device");
  }
  device.readonly = element.Child("readonly").has_value();
  device.shareable = element.Child("shareable").has_value();
  if (device.type == "pci") {
    SVIRT_TRY(ReadPciSource(element, &device));
  } else if (device.type == "usb") {
    SVIRT_TRY(ReadUsb(*source, &device));
  } else if (device.type == "scsi") {
    SVIRT_TRY(ReadScsi(*source, &device));
  } else if (device.type == "scsi_host") {
    device.wwpn = source->Attr("wwpn");
  } else {
    SVIRT_TRY(ReadMdev(*source, &device));
  }
  SVIRT_ASSIGN(device.managed, element.Bool("managed", false));
  SVIRT_ASSIGN(device.seclabels, ReadDeviceSecLabels(*source, domain->seclabels));
  domain->hostdevs.push_back(std::move(device));
  return {};
}

}  // namespace svirt
