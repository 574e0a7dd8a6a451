// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/qemu/qemu_elements.h"

#include <algorithm>
#include <string>

#include "host/hypervisor/element_rules.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;

constexpr bool kOpaque = true;

Status CheckController(const ptree &node) {
  const auto type = node.get<std::string>("<xmlattr>.type", "");
  const auto model = node.get<std::string>("<xmlattr>.model", "");
  for (const char *known : {"pci", "ide", "sata", "fdc", "usb", "isa", "virtio-serial"}) {
    if (type == known) {
      return {};
    }
  }
  if (type == "scsi" && (model.empty() || model == "virtio-scsi")) {
    return {};
  }
  return UnknownElement("QEMU", "controller type='" + type + "' model='" + model + "'>");
}

// clang-format off
const ElementRule kRules[] = {
    {"name"}, {"uuid"}, {"title"}, {"description"}, {"metadata", "*", kOpaque},
    {"seclabel", "*", kOpaque}, {"resource", "*", kOpaque},
    {"memory", "unit"}, {"currentMemory"}, {"maxMemory"}, {"vcpu", "placement=static"},
    {"on_poweroff"}, {"on_reboot"}, {"on_crash"},
    {"os", ""}, {"os/type"}, {"os/loader", "readonly type secure=no stateless=no"},
    {"os/nvram", "template"}, {"os/boot"}, {"os/kernel"}, {"os/initrd"}, {"os/cmdline"},
    {"os/dtb"}, {"os/acpi"}, {"os/acpi/table", "type"}, {"os/bootmenu", "enable"},
    {"features"}, {"features/acpi"}, {"features/apic", ""}, {"features/pae"},
    {"features/vmport"}, {"features/smm", "state"},
    {"cpu", "mode check=none check=partial match=exact migratable=on"}, {"cpu/model", "fallback"}, {"cpu/topology"},
    {"cpu/feature"},
    {"clock", "offset"}, {"clock/timer", "name present tickpolicy"},
    {"pm"}, {"pm/suspend-to-mem"}, {"pm/suspend-to-disk"},
    {"memoryBacking"}, {"memoryBacking/hugepages"}, {"memoryBacking/nosharepages"},
    {"memoryBacking/source"}, {"memoryBacking/access"}, {"memoryBacking/allocation", "mode"},
    {"sysinfo", "type=fwcfg"}, {"sysinfo/entry", "name file"},
    {"devices"}, {"devices/emulator"}, {"devices/controller", "*", kOpaque, CheckController},
    {"devices/disk", "type device snapshot"},
    {"devices/disk/driver", "name type cache io discard"},
    {"devices/disk/source", "file dev index startupPolicy=mandatory"},
    {"devices/disk/source/seclabel", "*", kOpaque}, {"devices/disk/source/dataStore", "*", kOpaque},
    {"devices/disk/target"}, {"devices/disk/serial"}, {"devices/disk/readonly"},
    {"devices/disk/shareable"}, {"devices/disk/boot", "order"},
    {"devices/disk/backingStore"}, {"devices/disk/backingStore/format"},
    {"devices/disk/backingStore/source", "file dev index"},
    {"devices/disk/backingStore/source/seclabel", "*", kOpaque},
    {"devices/disk/backingStore/source/dataStore", "*", kOpaque},
    {"devices/interface"}, {"devices/interface/mac"}, {"devices/interface/source"},
    {"devices/interface/target"}, {"devices/interface/model"}, {"devices/interface/boot", "order"},
    {"devices/interface/driver", "name"}, {"devices/interface/link", "state=up"},
    {"devices/interface/rom", "file"}, {"devices/hostdev/rom", "file"},
    {"devices/serial"}, {"devices/serial/source"}, {"devices/serial/source/seclabel", "*", kOpaque},
    {"devices/serial/target"}, {"devices/serial/target/model"},
    {"devices/serial/protocol", "type=raw"}, {"devices/serial/log"},
    {"devices/input"}, {"devices/input/source", "dev evdev"},
    {"devices/graphics", "type port autoport listen socket"}, {"devices/graphics/listen"},
    {"devices/video"}, {"devices/video/model"},
    {"devices/hostdev", "mode type managed"}, {"devices/hostdev/source", "*", kOpaque},
    {"devices/hostdev/driver", "name"}, {"devices/hostdev/readonly"}, {"devices/hostdev/shareable"},
    {"devices/tpm"}, {"devices/tpm/backend", "type version"}, {"devices/tpm/backend/device"},
    {"devices/tpm/backend/source"},
    {"devices/memory", "model access discard=no"}, {"devices/memory/source"},
    {"devices/memory/source/path"}, {"devices/memory/target"}, {"devices/memory/target/size"},
    {"devices/memory/target/node"}, {"devices/memory/target/readonly"}, {"devices/memory/uuid"},
    {"devices/filesystem", "type accessmode=passthrough"},
    {"devices/filesystem/driver", "type"}, {"devices/filesystem/source"},
    {"devices/filesystem/target"}, {"devices/filesystem/readonly"},
    {"devices/rng"}, {"devices/rng/backend"}, {"devices/rng/backend/source"},
    {"devices/rng/backend/protocol", "type=raw"},
    {"devices/shmem"}, {"devices/shmem/model"}, {"devices/shmem/server"},
    {"devices/vsock"}, {"devices/vsock/cid"},
    {"devices/memballoon"}, {"devices/memballoon/stats"}, {"devices/watchdog"}, {"devices/panic"},
    {"devices/audio", "id type=none"},
};
// clang-format on

// QEMU's own arguments stand under any prefix that means QEMU's namespace; the parser tells.
bool IsReadCommandline(const Domain &domain, const std::string &name) {
  return name.substr(name.find(':') + 1) == "commandline" &&
         std::find(domain.unknown.begin(), domain.unknown.end(), name) == domain.unknown.end();
}

}  // namespace

Status CheckElements(const Domain &domain) {
  return CheckElements(domain, {"QEMU", kRules, IsReadCommandline});
}

}  // namespace svirt
