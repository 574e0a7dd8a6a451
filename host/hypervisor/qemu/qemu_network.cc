// SPDX-License-Identifier: LGPL-2.1-or-later
// Network devices and their backends.
#include <algorithm>
#include <array>

#include "host/domain/device_names.h"
#include "host/hypervisor/qemu/qemu_builder.h"

namespace svirt {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 7> kModels = {"e1000", "e1000e",  "rtl8139", "ne2k_pci",
                                                     "pcnet", "vmxnet3", "i82551"};

Status AddBackend(QemuBuilder &b, const Interface &interface, size_t index, const std::string &what,
                  const std::string &id) {
  if (interface.type == "user") {
    b.args.Add("-netdev", json{{"type", "user"}, {"id", id}});
  } else if (interface.type == "bridge" || interface.type == "ethernet") {
    if (interface.type == "bridge" && interface.source.empty()) {
      return Error{Errc::kInvalid, what + ": <source bridge=...> is missing"};
    }
    const int fd = b.paths.first_fd + static_cast<int>(b.command.taps.size());
    b.command.taps.push_back({index, fd});
    json tap = {{"type", "tap"}, {"id", id}, {"fd", std::to_string(fd)}};
    if (interface.driver == "vhost") {
      tap["vhost"] = true;
    }
    json named = tap;
    named["fd"] = id;
    b.args.Add("-netdev", tap.dump(), std::move(named));
  } else if (interface.type == "vhostuser") {
    if (!b.has_shared_memory()) {
      return Error{Errc::kInvalid,
                   what +
                       ": vhostuser needs guest memory that its server can map: add "
                       "<memoryBacking><source type='memfd'/><access mode='shared'/>"
                       "</memoryBacking>"};
    }
    CharSource socket;
    socket.type = CharSource::Type::kUnix;
    socket.path = interface.socket_path;
    socket.listen = interface.socket_server;
    SVIRT_TRY(AddChardev(b, what, id + "-socket", socket));
    b.args.Add("-netdev", json{{"type", "vhost-user"}, {"id", id}, {"chardev", id + "-socket"}});
  } else if (interface.type == "vdpa") {
    b.args.Add("-netdev", json{{"type", "vhost-vdpa"}, {"id", id}, {"vhostdev", interface.source}});
  } else {
    return Unsupported(what,
                       "this driver knows types user, bridge, ethernet, vhostuser and vdpa, "
                       "not '" +
                           interface.type + "'");
  }
  return {};
}

Result<std::string> Model(QemuBuilder &b, const Interface &interface, const std::string &what) {
  if (interface.model == "virtio") {
    return b.Virtio("virtio-net");
  }
  if (interface.model.empty()) {
    return b.is_pc() ? std::string("e1000") : b.is_q35() ? "e1000e" : b.Virtio("virtio-net");
  }
  if (std::find(kModels.begin(), kModels.end(), interface.model) == kModels.end()) {
    return Unsupported(what, "this driver does not know model '" + interface.model + "'");
  }
  return interface.model;
}

Status AddInterface(QemuBuilder &b, size_t i, const std::string &mac) {
  const Interface &interface = b.domain.interfaces[i];
  const std::string &id = interface.alias;
  const std::string what = "interface " + id;
  if (!IsMac(mac)) {
    return Error{Errc::kInvalid, what + ": '" + interface.mac +
                                     "' is no MAC address: write it like 52:54:00:12:34:56"};
  }
  SVIRT_TRY(AddBackend(b, interface, i, what, id));
  SVIRT_ASSIGN(const std::string model, Model(b, interface, what));
  json card = {{"driver", model}, {"id", id + "-card"}, {"netdev", id}, {"mac", mac}};
  const auto boot = b.TakeBootIndex("network", interface.boot_order);
  if (boot) {
    card["bootindex"] = *boot;
  }
  if (!interface.rom_file.empty()) {
    card["romfile"] = interface.rom_file;
  } else if (!boot && !b.is_microvm()) {
    // Its file is in a package that a host without network boot need not have.
    card["romfile"] = "";
  }
  b.AddPluggable(card);
  return {};
}

}  // namespace

void AddInterfaces(QemuBuilder &b) {
  const std::vector<std::string> macs = MacAddresses(b.domain);
  for (size_t i = 0; i < b.domain.interfaces.size(); ++i) {
    b.Check(b.domain.interfaces[i].position, AddInterface(b, i, macs[i]));
  }
}

}  // namespace svirt
