// SPDX-License-Identifier: LGPL-2.1-or-later
// Adds what interfaces, displays, input devices and shared directories open to the manifest.
#include <string>

#include "host/domain/manifest_builder.h"

namespace svirt {

void ManifestBuilder::AddInterfaces() {
  size_t number = 0;
  for (const Interface &interface : domain_.interfaces) {
    const std::string device = "net" + std::to_string(number++);
    const uint32_t position = interface.position;
    const std::string &type = interface.type;
    if (type == "bridge" || type == "network" || type == "ethernet") {
      Add(position,
          SharedNode(ResourceKind::kNet,
                     interface.tap_path.empty() ? "/dev/net/tun" : interface.tap_path, device));
      if (interface.driver == "vhost" || !interface.vhost_path.empty()) {
        Add(position,
            SharedNode(ResourceKind::kNet,
                       interface.vhost_path.empty() ? "/dev/vhost-net" : interface.vhost_path,
                       device));
      }
    } else if (type == "vhostuser") {
      Add(position, Socket(interface.socket_path, device, interface.socket_server));
    } else if (type == "vdpa") {
      Add(position, {.kind = ResourceKind::kNet,
                     .object = ObjectType::kChar,
                     .access = kAccessReadWrite,
                     .path = interface.source,
                     .device = device,
                     .overrides = {}});
    }
    if (!interface.rom_file.empty()) {
      Resource rom = File(ResourceKind::kFirmware, kAccessRead, interface.rom_file, device);
      rom.shared = true;
      Add(position, std::move(rom));
    }
  }
}

void ManifestBuilder::AddDisplays() {
  for (const Graphics &graphics : domain_.graphics) {
    if (!graphics.socket_path.empty()) {
      Add(graphics.position, Socket(graphics.socket_path, graphics.type, true));
    }
    if (!graphics.render_node.empty()) {
      Add(graphics.position,
          SharedNode(ResourceKind::kGraphics, graphics.render_node, graphics.type));
    }
    if (!graphics.xauth.empty()) {
      Add(graphics.position,
          File(ResourceKind::kGraphics, kAccessRead, graphics.xauth, graphics.type));
    }
  }
  for (const std::string &node : domain_.render_nodes) {
    Add(PositionOf("video"), SharedNode(ResourceKind::kGraphics, node, "video"));
  }
  size_t number = 0;
  for (const Input &input : domain_.inputs) {
    const std::string device = "input" + std::to_string(number++);
    if (!input.path.empty()) {
      Add(input.position, {.kind = ResourceKind::kInput,
                           .object = ObjectType::kChar,
                           .access = kAccessReadWrite,
                           .path = input.path,
                           .device = device,
                           .overrides = {}});
    }
  }
}

void ManifestBuilder::AddShares() {
  size_t number = 0;
  for (const Filesystem &share : domain_.filesystems) {
    const std::string device = "fs" + std::to_string(number++);
    if (!share.socket_path.empty()) {
      Add(share.position, Socket(share.socket_path, device, false));
    }
    if (!share.source_dir.empty()) {
      const bool file = share.type == "file";
      const bool block = share.type == "block";
      Add(share.position, {.kind = ResourceKind::kShare,
                           .object = file    ? ObjectType::kFile
                                     : block ? ObjectType::kBlock
                                             : ObjectType::kDir,
                           .access = share.readonly ? kAccessRead : kAccessReadWrite,
                           .subtree = !file && !block,
                           .path = share.source_dir,
                           .device = device,
                           .overrides = {}});
    }
  }
}

}  // namespace svirt
