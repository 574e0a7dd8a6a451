// SPDX-License-Identifier: LGPL-2.1-or-later
// What the QEMU driver understands of the domain XML: the parts of qemu_*.cc read what is listed
// here as acted upon.
#include "host/hypervisor/qemu/qemu_elements.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace svirt {
namespace {

using boost::property_tree::ptree;

constexpr unsigned kMany = ElementRule::kMany;
constexpr unsigned kOpaque = ElementRule::kOpaque;

bool Has(const ptree &node, const char *path) {
  return node.get_child_optional(path).has_value();
}

std::string Attr(const ptree &node, const char *name) {
  return node.get<std::string>(std::string("<xmlattr>.") + name, "");
}

const ptree *FirstDevice(const Domain &domain, const char *name) {
  const auto root = domain.document.get_child_optional("domain");
  if (!root) {
    return nullptr;
  }
  for (const auto &[part, devices] : *root) {
    const auto found = part == "devices" ? devices.find(name) : devices.not_found();
    if (found != devices.not_found()) {
      return &found->second;
    }
  }
  return nullptr;
}

// The guest gives memory back by its balloon, which is told before it runs.
std::string CheckCurrentMemory(const Domain &domain, const ptree &) {
  if (domain.current_memory_bytes == 0 || domain.current_memory_bytes == domain.memory_bytes) {
    return "";
  }
  if (domain.current_memory_bytes > domain.memory_bytes) {
    return "it is more than <memory>";
  }
  const ptree *balloon = FirstDevice(domain, "memballoon");
  if (balloon == nullptr || Attr(*balloon, "model") == "none" || !domain.memory_devices.empty()) {
    return "less than <memory> needs a <memballoon model='virtio'/> and no memory devices";
  }
  return "";
}

// Where it listens may be said twice, as libvirt does, but not in two ways.
std::string CheckGraphics(const Domain &, const ptree &node) {
  const auto listen = node.get_child_optional("listen");
  const std::string type = listen ? Attr(*listen, "type") : "";
  const std::string address = listen ? Attr(*listen, "address") : "";
  const std::string port = Attr(node, "port");
  const bool socket = !Attr(node, "socket").empty() || type == "socket";
  if (!Attr(node, "listen").empty() && listen && Attr(node, "listen") != address) {
    return "listen= and its <listen> differ";
  }
  if (socket && listen && type != "socket") {
    return "socket= and its <listen> differ";
  }
  if (type == "socket" && Attr(*listen, "socket").empty()) {
    return "its <listen> has no socket=";
  }
  if (type == "socket" && !Attr(node, "socket").empty() &&
      Attr(node, "socket") != Attr(*listen, "socket")) {
    return "socket= and its <listen> differ";
  }
  if ((socket || type == "none") &&
      (!Attr(node, "listen").empty() || (!port.empty() && port != "-1"))) {
    return "it has a port or an address, but listens at none";
  }
  if (Attr(node, "autoport") == "yes" && !port.empty() && port != "-1") {
    return "it has both a port and autoport='yes'";
  }
  return "";
}

std::string CheckFilesystem(const Domain &, const ptree &node) {
  const auto driver = node.get<std::string>("driver.<xmlattr>.type", "path");
  const bool dir = Has(node, "source.<xmlattr>.dir");
  const bool socket = Has(node, "source.<xmlattr>.socket");
  if (driver == "virtiofs" && Has(node, "readonly")) {
    return "this driver cannot make a virtiofsd keep to <readonly/>";
  }
  const auto mode = node.get<std::string>("<xmlattr>.accessmode", "");
  if (driver == "virtiofs" && !mode.empty() && mode != "passthrough") {
    return "accessmode='" + mode + "' is not for virtiofs, whose virtiofsd decides that";
  }
  if (driver != "virtiofs" && mode == "passthrough" && !Has(node, "readonly")) {
    return "accessmode='passthrough' gives files the owners that the guest wants, which takes "
           "capabilities that no domain has: take 'squash' or no accessmode, and they are all the "
           "domain's user's, or 'mapped', which writes down the guest's owners beside them";
  }
  if (dir && socket) {
    return "its <source> has both dir= and socket=";
  }
  return driver != "virtiofs" && socket ? "a socket= needs <driver type='virtiofs'/>" : "";
}

// QEMU would take vhost for other cards and not use it.
std::string CheckInterface(const Domain &, const ptree &node) {
  const auto driver = node.get<std::string>("driver.<xmlattr>.name", "");
  const auto model = node.get<std::string>("model.<xmlattr>.type", "");
  return driver == "vhost" && model != "virtio" ? "vhost needs <model type='virtio'/>" : "";
}

// The first console may be the first serial port under another name: it has no source of its own.
std::string CheckConsole(const Domain &domain, const ptree &node) {
  const auto first = [&domain](const char *kind) {
    return std::ranges::find(domain.chardevs, kind, &Chardev::kind);
  };
  const auto console = first("console");
  const auto serial = first("serial");
  if (&node != FirstDevice(domain, "console") || serial == domain.chardevs.end() ||
      console == domain.chardevs.end() || !console->serial_alias) {
    return "";
  }
  const CharSource &a = console->source;
  const CharSource &b = serial->source;
  const auto said = [](const CharSource &source) {
    return std::tie(source.type, source.path, source.listen, source.append, source.host,
                    source.service, source.bind_host, source.bind_service);
  };
  const bool same = said(a) == said(b) && (a.log_path.empty() || a.log_path == b.log_path);
  return same ? "" : "it is the first serial port under another name, but asks for something else";
}

std::string CheckState(const Domain &, const ptree &node) {
  return Attr(node, "state").empty() ? "its state= is missing" : "";
}

// clang-format off
const ElementRule kRules[] = {
    {"", "type", "id"},
    {"name", "", "", "*"}, {"uuid", "", "", "*"},
    {"title", "", "", "*"}, {"description", "", "", "*"}, {"metadata", "", "", "", kOpaque},
    {"seclabel", "type model relabel", "", "", kMany}, {"seclabel/label", "", "", "*"},
    {"seclabel/baselabel", "", "", "*"},
    {"seclabel/imagelabel", "", "", "*"},  // output of a running domain
    // What libvirt writes for every running domain: its own parent of control groups.
    {"resource"}, {"resource/partition", "", "", "/machine"},
    {"memory", "unit dumpCore=off", "", "*"},
    {"currentMemory", "unit", "", "*", 0, CheckCurrentMemory},
    {"maxMemory", "unit slots", "", "*"},
    {"vcpu", "placement=static", "", "*"},
    {"on_poweroff", "", "", "destroy preserve"}, {"on_reboot", "", "", "destroy restart"},
    {"on_crash", "", "", "destroy preserve"},

    {"os"}, {"os/type", "arch machine", "", "hvm"},
    {"os/loader", "readonly type secure=no stateless=no format=raw", "", "*"},
    {"os/nvram", "template type=file type=block format=raw templateFormat=raw", "", "*"},
    {"os/nvram[file]/source", "file"}, {"os/nvram[block]/source", "dev"},
    {"os/nvram/source/seclabel", "model relabel labelskip", "", "", kMany},
    {"os/nvram/source/seclabel/label", "", "", "*"},
    {"os/boot", "dev", "", "", kMany},
    {"os/kernel", "", "", "*"}, {"os/initrd", "", "", "*"}, {"os/cmdline", "", "", "*"},
    {"os/dtb", "", "", "*"}, {"os/acpi"}, {"os/acpi/table", "type=slic", "", "*", kMany},
    {"os/bootmenu", "enable=yes enable=no"},

    {"features"}, {"features/acpi"},
    {"features/apic"}, {"features/pae"},  // every processor that QEMU makes has them
    {"features/vmport", "state=on state=off", "", "", 0, CheckState},
    {"features/smm", "state=on state=off", "", "", 0, CheckState},
    {"cpu", "mode match=exact check=none check=partial check=full migratable=on"},
    {"cpu/model", "", "fallback", "*"},  // no other model is ever chosen
    {"cpu/topology", "sockets dies cores threads"},
    {"cpu/feature", "name policy=force policy=require policy=optional policy=disable", "", "", kMany},
    {"clock", "offset=utc offset=localtime"},
    {"clock/timer", "name=rtc name=pit name=hpet", "", "", kMany},
    {"clock/timer[rtc]", "name present=yes tickpolicy=catchup", "", "", kMany},
    {"clock/timer[pit]", "name present=yes tickpolicy=delay", "", "", kMany},
    {"clock/timer[hpet]", "name present=no", "", "", kMany},
    {"pm"}, {"pm/suspend-to-mem", "enabled=yes enabled=no"},
    {"pm/suspend-to-disk", "enabled=yes enabled=no"},
    {"memoryBacking"}, {"memoryBacking/hugepages"}, {"memoryBacking/nosharepages"},
    {"memoryBacking/source", "type=anonymous type=memfd type=file"},
    {"memoryBacking/access", "mode=shared mode=private"},
    {"memoryBacking/allocation", "mode=immediate mode=ondemand"},
    {"sysinfo", "type=fwcfg", "", "", kMany}, {"sysinfo/entry", "name file", "", "", kMany},

    {"devices", "", "", "", kMany}, {"devices/emulator", "", "", "*"},
    {"devices/*/address", "", "type domain bus slot function multifunction controller target unit "
     "port base iobase irq reg cssid ssid devno"},
    {"devices/*/alias", "name"},
    // Buses are QEMU's choice.
    {"devices/controller", "type=pci type=ide type=sata type=fdc type=usb type=virtio-serial "
     "type=isa type=scsi", "index", "", kMany},
    {"devices/controller[pci]", "type", "index model=pci-root model=pcie-root model=pci-bridge "
     "model=pcie-root-port model=dmi-to-pci-bridge model=pcie-to-pci-bridge "
     "model=pcie-switch-upstream-port model=pcie-switch-downstream-port", "", kMany},
    {"devices/controller[pci]/model", "", "name"},
    {"devices/controller[pci]/target", "", "chassis port busNr index hotplug=on"},
    {"devices/controller[usb]", "type", "index model ports", "", kMany},
    {"devices/controller[usb]/master", "", "startport"},
    {"devices/controller[ide]", "type", "index model=piix3 model=piix4 model=ich6", "", kMany},
    {"devices/controller[virtio-serial]", "type", "index ports vectors", "", kMany},
    {"devices/controller[scsi]", "type", "index model=virtio-scsi", "", kMany},

    {"devices/disk", "type=file type=block device=disk device=cdrom device=floppy device=lun rawio=no",
     "snapshot", "", kMany},
    {"devices/disk/driver", "name=qemu type cache io discard=unmap discard=ignore"},
    {"devices/disk/source", "file startupPolicy=mandatory", "index"},
    {"devices/disk[block]/source", "dev startupPolicy=mandatory", "index"},
    {"devices/disk/source/seclabel", "model relabel labelskip", "", "", kMany},
    {"devices/disk/source/seclabel/label", "", "", "*"},
    {"devices/disk/source/dataStore", "type=file type=block"},
    {"devices/disk/source/dataStore/format", "type=raw"},
    {"devices/disk/source/dataStore/source", "file", "index"},
    {"devices/disk/source/dataStore[block]/source", "dev", "index"},
    {"devices/disk/target", "dev bus tray=closed"}, {"devices/disk/serial", "", "", "*"},
    {"devices/disk/readonly"}, {"devices/disk/shareable"}, {"devices/disk/boot", "order"},
    {"devices/disk/backingStore", "type=file type=block", "index"},
    {"devices/disk/backingStore/format", "type"},

    {"devices/interface", "type=user type=bridge type=ethernet type=vhostuser type=vdpa", "", "",
     kMany, CheckInterface},
    {"devices/interface/mac", "address", "type=static type=generated"},
    {"devices/interface[bridge]/source", "bridge"},
    {"devices/interface[vhostuser]/source", "type=unix path mode"},
    {"devices/interface[vdpa]/source", "dev"},
    {"devices/interface[bridge]/target", "dev"}, {"devices/interface[ethernet]/target", "dev"},
    {"devices/interface/target", "", "dev"},  // the name of a device that there is none of
    {"devices/interface/model", "type"}, {"devices/interface/boot", "order"},
    {"devices/interface/driver", "name=qemu"},
    {"devices/interface[bridge]/driver", "name=qemu name=vhost"},
    {"devices/interface[ethernet]/driver", "name=qemu name=vhost"},
    {"devices/interface/link", "state=up"}, {"devices/interface/rom", "file bar=on"},

    // Consoles, channels and parallel ports share what has no rule of theirs.
    {"devices/serial", "type=pty type=null type=vc type=dev type=file type=pipe type=stdio type=unix "
     "type=tcp type=udp", "", "", kMany},
    {"devices/serial/source"},
    {"devices/serial[]/source", "", "path"},  // of a pty: output of a running domain
    {"devices/serial[pty]/source", "", "path"},
    {"devices/serial[dev]/source", "path"}, {"devices/serial[pipe]/source", "path"},
    {"devices/serial[file]/source", "path append"}, {"devices/serial[unix]/source", "path mode"},
    {"devices/serial[tcp]/source", "mode host service tls=no"},
    {"devices/serial[udp]/source", "mode host service", "", "", kMany},
    {"devices/serial/source/seclabel", "model relabel labelskip", "", "", kMany},
    {"devices/serial/source/seclabel/label", "", "", "*"},
    {"devices/serial/protocol", "type=raw"}, {"devices/serial/log", "file append"},
    {"devices/serial/target", "type=isa-serial type=pci-serial type=usb-serial type=system-serial "
     "type=serial type=isa type=pci type=usb type=system", "port"},
    {"devices/serial/target/model", "", "name=isa-serial name=pl011"},
    {"devices/serial/target[pci-serial]/model", "", "name=pci-serial"},
    {"devices/serial/target[usb-serial]/model", "", "name=usb-serial"},
    {"devices/parallel", "type=pty type=null type=vc type=dev type=file type=pipe type=stdio "
     "type=unix type=tcp type=udp", "", "", kMany},
    {"devices/parallel/target", "", "port"},
    {"devices/console", "type=pty type=null type=vc type=dev type=file type=pipe type=stdio type=unix "
     "type=tcp type=udp", "tty", "", kMany, CheckConsole},
    {"devices/console/target", "type=serial type=virtio", "port"},
    {"devices/channel", "type=pty type=null type=vc type=dev type=file type=pipe type=stdio type=unix "
     "type=tcp type=udp", "", "", kMany},
    {"devices/channel/target", "type=virtio name", "state"},  // output of a running domain

    {"devices/input", "type=mouse type=keyboard type=tablet type=evdev type=passthrough "
     "bus=ps2 bus=usb bus=virtio", "", "", kMany},
    {"devices/input[evdev]", "type", "", "", kMany}, {"devices/input[evdev]/source", "dev"},
    {"devices/input[passthrough]", "type bus=virtio", "", "", kMany},
    {"devices/input[passthrough]/source", "evdev"},
    {"devices/graphics", "type=vnc port autoport listen socket", "", "", kMany, CheckGraphics},
    {"devices/graphics/listen", "type=none type=address type=socket"},
    {"devices/graphics/listen[address]", "type address"},
    {"devices/graphics/listen[socket]", "type socket"},
    {"devices/video"},
    {"devices/video/model", "type=vga type=cirrus type=qxl type=bochs type=virtio type=ramfb type=none "
     "heads=1", "primary=yes"},
    {"devices/video/model[vga]", "type vram heads=1", "primary=yes"},
    {"devices/video/model[bochs]", "type vram heads=1", "primary=yes"},
    // QEMU gives a cirrus the memory that it has.
    {"devices/video/model[cirrus]", "type heads=1", "vram primary=yes"},
    {"devices/video/model[qxl]", "type ram vram vram64 vgamem heads", "primary=yes"},
    {"devices/video/model[virtio]", "type heads", "vram primary=yes"},
    {"devices/video/model/acceleration", "accel3d=no accel2d=no"},
    {"devices/audio", "type=none", "id", "", kMany},

    {"devices/hostdev", "mode=subsystem type=pci type=usb type=mdev", "", "", kMany},
    {"devices/hostdev[pci]", "mode type managed=no", "", "", kMany},
    {"devices/hostdev[usb]", "mode type", "managed", "", kMany},  // QEMU does what there is to do
    {"devices/hostdev[mdev]", "mode type managed=no model=vfio-pci display=off ramfb=off", "", "",
     kMany},
    {"devices/hostdev/source"}, {"devices/hostdev[usb]/source", "startupPolicy=mandatory"},
    {"devices/hostdev/source[pci]/address", "type=pci domain bus slot function"},
    {"devices/hostdev/source[usb]/address", "type=usb bus device"},
    {"devices/hostdev/source[usb]/vendor", "id"}, {"devices/hostdev/source[usb]/product", "id"},
    {"devices/hostdev/source[mdev]/address", "uuid"},
    {"devices/hostdev/source/seclabel", "model relabel labelskip", "", "", kMany},
    {"devices/hostdev/source/seclabel/label", "", "", "*"},
    {"devices/hostdev[pci]/driver", "name=vfio"}, {"devices/hostdev[pci]/rom", "file bar=on"},

    {"devices/tpm", "model=tpm-tis model=tpm-crb"},
    {"devices/tpm/backend", "type=passthrough type=external"},
    {"devices/tpm/backend[passthrough]/device", "path"},
    {"devices/tpm/backend[external]/source", "type=unix mode=connect path"},
    {"devices/memory", "model=dimm model=nvdimm model=virtio-pmem discard=no", "", "", kMany},
    // The file is written to: the guest's changes are for all who open it.
    {"devices/memory[nvdimm]", "model access=shared discard=no", "", "", kMany},
    {"devices/memory[virtio-pmem]", "model access=shared discard=no", "", "", kMany},
    {"devices/memory/source"}, {"devices/memory/source/path", "", "", "*"},
    {"devices/memory/target"}, {"devices/memory/target/size", "unit", "", "*"},
    {"devices/memory/target/node", "", "", "*"}, {"devices/memory/target/readonly"},
    {"devices/filesystem", "type=mount accessmode=passthrough accessmode=mapped accessmode=squash",
     "", "", kMany, CheckFilesystem},
    {"devices/filesystem/driver", "type=path type=virtiofs"},
    {"devices/filesystem/source", "dir socket"}, {"devices/filesystem/target", "dir"},
    {"devices/filesystem/readonly"},
    {"devices/rng", "model=virtio", "", "", kMany},
    {"devices/rng/backend", "model=random model=builtin model=egd type"},
    {"devices/rng/backend[random]", "model", "", "*"}, {"devices/rng/backend[builtin]", "model"},
    {"devices/shmem", "name", "", "", kMany}, {"devices/shmem/model", "type=ivshmem-doorbell"},
    {"devices/shmem/server", "path"},
    {"devices/vsock", "model=virtio"}, {"devices/vsock/cid", "auto=no auto=yes address"},
    {"devices/memballoon", "model=virtio model=none autodeflate=on autodeflate=off "
     "freePageReporting=on freePageReporting=off"},
    {"devices/memballoon/stats", "", "period"},  // how often another manager asks
    {"devices/watchdog", "model=i6300esb model=ib700 action=reset action=shutdown action=poweroff "
     "action=pause action=none"},
    {"devices/panic", "model=isa"},
};
// clang-format on

// QEMU's own arguments stand under any prefix that means QEMU's namespace; the parser tells.
bool IsReadCommandline(const Domain &domain, const std::string &name) {
  return name.substr(name.find(':') + 1) == "commandline" &&
         std::find(domain.unknown.begin(), domain.unknown.end(), name) == domain.unknown.end();
}

}  // namespace

std::span<const ElementRule> QemuElements() {
  return kRules;
}

void CheckElements(const Domain &domain, Refusals *refusals) {
  CheckElements(domain, {"QEMU", QemuElements(), IsReadCommandline}, refusals);
}

}  // namespace svirt
