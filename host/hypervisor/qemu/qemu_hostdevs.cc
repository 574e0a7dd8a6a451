// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of the host that the guest is given: hostdev and tpm.
#include "host/hypervisor/qemu/qemu_builder.h"

namespace svirt {
namespace {

using nlohmann::json;

template <typename... Args>
std::string Format(const char *format, Args... args) {
  char text[64];
  std::snprintf(text, sizeof text, format, args...);
  return text;
}

Status AddHostDevice(QemuBuilder &b, const HostDevice &device, const std::string &id) {
  if (device.type == "pci") {
    const std::string address =
        Format("%04x:%02x:%02x.%x", device.domain, device.bus, device.slot, device.function);
    if (device.managed) {
      return Unsupported("hostdev pci " + address,
                         "this driver does not rebind devices: bind it to vfio-pci and write "
                         "managed='no'");
    }
    json card = {{"driver", "vfio-pci"}, {"id", id}, {"host", address}};
    if (!device.rom_file.empty()) {
      card["romfile"] = device.rom_file;
    }
    b.AddPluggable(card);
  } else if (device.type == "usb") {
    if (device.device == 0) {
      return Unsupported("hostdev usb " + Format("%04x:%04x", device.vendor_id, device.product_id),
                         "several devices may have these ids: name the one meant with <address "
                         "bus='...' device='...'/>");
    }
    b.NeedUsb();
    // By its node, so that QEMU opens no other.
    b.args.Add("-device",
               json{{"driver", "usb-host"},
                    {"id", id},
                    {"bus", "usb0.0"},
                    {"hostdevice", Format("/dev/bus/usb/%03u/%03u", device.bus, device.device)}});
  } else if (device.type == "mdev") {
    if (device.mdev_uuid.empty()) {
      return Error{Errc::kInvalid, "hostdev mdev: the uuid is missing"};
    }
    b.AddPluggable({{"driver", "vfio-pci"},
                    {"id", id},
                    {"sysfsdev", "/sys/bus/mdev/devices/" + device.mdev_uuid}});
  } else {
    return Unsupported("hostdev '" + device.type + "'", "this driver knows pci, usb and mdev");
  }
  return {};
}

Status AddTpm(QemuBuilder &b, const Tpm &tpm) {
  const std::string model = tpm.model.empty() ? "tpm-tis" : tpm.model;
  if (model != "tpm-tis" && model != "tpm-crb") {
    return Unsupported("tpm", "this driver does not know model '" + model + "'");
  }
  if (tpm.backend == "passthrough") {
    Keyval backend("passthrough");
    backend.Set("id", "tpm0").Set("path", tpm.device_path.empty() ? "/dev/tpm0" : tpm.device_path);
    if (!tpm.cancel_path.empty()) {
      backend.Set("cancel-path", tpm.cancel_path);
    }
    b.args.Add("-tpmdev", backend);
  } else if (tpm.backend == "external") {
    CharSource socket;
    socket.type = CharSource::Type::kUnix;
    socket.path = tpm.socket_path;
    SVIRT_TRY(AddChardev(b, "tpm", "tpm0-socket", socket));
    b.args.Add("-tpmdev", Keyval("emulator").Set("id", "tpm0").Set("chardev", "tpm0-socket"));
  } else {
    return Unsupported("tpm backend '" + tpm.backend + "'",
                       "this driver starts no TPM emulator: run swtpm yourself and use "
                       "type='external'");
  }
  b.args.Add("-device", json{{"driver", model}, {"id", "tpm0-device"}, {"tpmdev", "tpm0"}});
  return {};
}

}  // namespace

void AddHostDevices(QemuBuilder &b) {
  for (const HostDevice &device : b.domain.hostdevs) {
    b.Check(device.position, AddHostDevice(b, device, device.alias));
  }
  if (b.domain.tpms.size() > 1) {
    b.Check(b.domain.tpms[1].position, Unsupported("tpm", "QEMU gives a domain one TPM"));
  }
  for (const Tpm &tpm : b.domain.tpms) {
    b.Check(tpm.position, AddTpm(b, tpm));
  }
}

}  // namespace svirt
