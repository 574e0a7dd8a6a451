// SPDX-License-Identifier: LGPL-2.1-or-later
// Memory devices, shares, random numbers, vsock, and the small devices.
#include <algorithm>
#include <array>

#include "host/domain/document_place.h"
#include "host/hypervisor/qemu/qemu_builder.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;
using nlohmann::json;

Status NeedSharedMemory(const QemuBuilder &b, const std::string &what) {
  if (b.has_shared_memory()) {
    return {};
  }
  return Error{Errc::kInvalid,
               what +
                   ": its server has to map guest memory: add <memoryBacking><source "
                   "type='memfd'/><access mode='shared'/></memoryBacking>"};
}

Status AddSocket(QemuBuilder &b, const std::string &what, const std::string &id,
                 const std::string &path) {
  CharSource socket;
  socket.type = CharSource::Type::kUnix;
  socket.path = path;
  return AddChardev(b, what, id, socket);
}

Status AddMemoryDevice(QemuBuilder &b, const MemoryDevice &memory) {
  const std::string &id = memory.alias;
  const std::string what = "memory device " + id;
  const bool is_pmem = memory.model == "nvdimm" || memory.model == "virtio-pmem";
  if (memory.size_bytes == 0) {
    return Error{Errc::kInvalid, what + ": it has no size"};
  }
  if (!is_pmem && memory.model != "dimm") {
    return Unsupported(what, "this driver does not know model '" + memory.model + "'");
  }
  if (is_pmem && memory.path.empty()) {
    return Error{Errc::kInvalid, what + ": its <source> has no path"};
  }
  if (memory.readonly && !is_pmem) {
    return Unsupported(what, "only an nvdimm or virtio-pmem can be read-only");
  }
  if (memory.node != 0 && memory.model == "virtio-pmem") {
    return Unsupported(what, "a virtio-pmem is on no node");
  }
  json backend = MemoryBackend(b, id + "-ram", memory.size_bytes);
  if (!memory.path.empty()) {
    backend = {{"qom-type", "memory-backend-file"}, {"id", id + "-ram"},
               {"size", memory.size_bytes},         {"mem-path", memory.path},
               {"share", !memory.readonly},         {"readonly", memory.readonly}};
  }
  json device = {{"driver", memory.model == "dimm"     ? "pc-dimm"
                            : memory.model == "nvdimm" ? "nvdimm"
                                                       : b.Virtio("virtio-pmem")},
                 {"id", id},
                 {"memdev", id + "-ram"}};
  if (memory.node != 0) {
    device["node"] = memory.node;
  }
  if (memory.model == "nvdimm") {
    device["unarmed"] = memory.readonly;
  }
  b.args.Add("-object", backend);
  if (memory.model == "virtio-pmem") {
    b.AddPluggable(device);
  } else {
    b.args.Add("-device", device);
  }
  return {};
}

Status AddFilesystem(QemuBuilder &b, const Filesystem &fs, unsigned number) {
  const std::string id = "fs" + std::to_string(number);
  const std::string what = "filesystem " + fs.target_tag;
  if (fs.target_tag.empty()) {
    return Error{Errc::kInvalid, what + ": <target dir=...> is missing"};
  }
  if (fs.driver == "virtiofs") {
    if (fs.socket_path.empty()) {
      return Unsupported(what,
                         "this driver starts no virtiofsd: run it yourself and give "
                         "<source socket='...'/>");
    }
    if (fs.readonly) {
      return Unsupported(what, "this driver cannot make a virtiofsd keep to <readonly/>");
    }
    SVIRT_TRY(NeedSharedMemory(b, what));
    SVIRT_TRY(AddSocket(b, what, id + "-socket", fs.socket_path));
    b.args.Add("-device", json{{"driver", b.Virtio("vhost-user-fs")},
                               {"id", id},
                               {"chardev", id + "-socket"},
                               {"tag", fs.target_tag}});
    return {};
  }
  if ((!fs.driver.empty() && fs.driver != "path") || fs.type != "mount") {
    return Unsupported(what, "this driver knows shares of type 'mount' by path or virtiofs");
  }
  // Of "passthrough" QEMU's "none" is what is left without capabilities: files are its user's.
  Keyval backend("local");
  backend.Set("id", id + "-dir")
      .Set("path", fs.source_dir)
      .Set("security_model", fs.access_mode == "mapped" ? "mapped-xattr" : "none");
  if (fs.readonly) {
    backend.Set("readonly", true);
  }
  b.args.Add("-fsdev", backend);
  b.args.Add("-device", json{{"driver", b.Virtio("virtio-9p")},
                             {"id", id},
                             {"fsdev", id + "-dir"},
                             {"mount_tag", fs.target_tag}});
  return {};
}

Status AddRng(QemuBuilder &b, const Rng &rng, unsigned number) {
  const std::string id = "rng" + std::to_string(number);
  json object = {{"id", id + "-source"}};
  if (rng.backend == "random") {
    object["qom-type"] = "rng-random";
    object["filename"] = rng.path.empty() ? "/dev/urandom" : rng.path;
  } else if (rng.backend == "builtin") {
    object["qom-type"] = "rng-builtin";
  } else if (rng.backend == "egd") {
    SVIRT_TRY(AddChardev(b, "rng egd", id + "-egd", rng.egd));
    object["qom-type"] = "rng-egd";
    object["chardev"] = id + "-egd";
  } else {
    return Unsupported("rng", "this driver does not know backend '" + rng.backend + "'");
  }
  b.args.Add("-object", object);
  b.args.Add("-device",
             json{{"driver", b.Virtio("virtio-rng")}, {"id", id}, {"rng", id + "-source"}});
  return {};
}

Status AddShmem(QemuBuilder &b, const Shmem &shmem, unsigned number) {
  const std::string id = "shmem" + std::to_string(number);
  if (shmem.model != "ivshmem-doorbell" || shmem.server_path.empty()) {
    return Unsupported("shmem " + shmem.name,
                       "this driver knows model ivshmem-doorbell with a <server path=...> only");
  }
  SVIRT_TRY(AddSocket(b, "shmem " + shmem.name, id + "-socket", shmem.server_path));
  b.args.Add("-device",
             json{{"driver", "ivshmem-doorbell"}, {"id", id}, {"chardev", id + "-socket"}});
  return {};
}

Status AddVsock(QemuBuilder &b) {
  if (b.domain.vsock_cid < 3) {
    return Unsupported("vsock",
                       "this driver chooses no address: give <cid auto='no' "
                       "address='...'/> of at least 3");
  }
  b.args.Add("-device", json{{"driver", b.Virtio("vhost-vsock")},
                             {"id", "vsock0"},
                             {"guest-cid", b.domain.vsock_cid}});
  return {};
}

Status AddBalloon(QemuBuilder &b, const ptree &node) {
  const auto model = node.get<std::string>("<xmlattr>.model", "");
  if (model == "none") {
    return {};
  }
  if (!model.empty() && model != "virtio") {
    return Unsupported("memballoon", "this driver does not know model '" + model + "'");
  }
  json balloon = {{"driver", b.Virtio("virtio-balloon")}, {"id", "balloon0"}};
  const std::pair<const char *, const char *> switches[] = {
      {"autodeflate", "deflate-on-oom"}, {"freePageReporting", "free-page-reporting"}};
  for (const auto &[attribute, property] : switches) {
    const auto word = node.get<std::string>(std::string("<xmlattr>.") + attribute, "");
    if (!word.empty()) {
      balloon[property] = word == "on";
    }
  }
  b.args.Add("-device", balloon);
  return {};
}

Status AddWatchdog(QemuBuilder &b, const ptree &node) {
  constexpr std::array<std::string_view, 5> kActions = {"reset", "shutdown", "poweroff", "pause",
                                                        "none"};
  const auto model = node.get<std::string>("<xmlattr>.model", "");
  const auto action = node.get<std::string>("<xmlattr>.action", "reset");
  if (model != "i6300esb" && model != "ib700") {
    return Unsupported("watchdog", "this driver does not know model '" + model + "'");
  }
  if (std::find(kActions.begin(), kActions.end(), action) == kActions.end()) {
    return Unsupported("watchdog", "this driver does not know action '" + action + "'");
  }
  b.args.Add("-device", json{{"driver", model}, {"id", "watchdog0"}});
  b.args.Add("-action", "watchdog=" + action);
  return {};
}

Status AddPanic(QemuBuilder &b, const ptree &node) {
  const auto model = node.get<std::string>("<xmlattr>.model", "");
  if (!b.is_x86() || (!model.empty() && model != "isa")) {
    return Unsupported("panic", "this driver knows model isa of x86 machines only");
  }
  b.args.Add("-device", json{{"driver", "pvpanic"}, {"id", "panic0"}});
  return {};
}

// Devices that need nothing from the host and so have no member in Domain: one of each.
void AddSmallDevices(QemuBuilder &b) {
  using Adder = Status (*)(QemuBuilder &, const ptree &);
  const std::pair<const char *, Adder> kinds[] = {
      {"memballoon", AddBalloon}, {"watchdog", AddWatchdog}, {"panic", AddPanic}};
  for (const auto &[name, add] : kinds) {
    const auto nodes = b.XmlDevices(name);
    if (nodes.size() > 1) {
      b.Check(PositionOf(b.domain, *nodes.back()),
              Unsupported(name, "this driver gives a domain one of these"));
    } else if (!nodes.empty()) {
      b.Check(PositionOf(b.domain, *nodes.front()), add(b, *nodes.front()));
    }
  }
}

}  // namespace

void AddDevices(QemuBuilder &b) {
  const Domain &d = b.domain;
  for (const MemoryDevice &memory : d.memory_devices) {
    b.Check(memory.position, AddMemoryDevice(b, memory));
  }
  unsigned number = 0;
  for (const Filesystem &fs : d.filesystems) {
    b.Check(fs.position, AddFilesystem(b, fs, number++));
  }
  number = 0;
  for (const Rng &rng : d.rngs) {
    b.Check(rng.position, AddRng(b, rng, number++));
  }
  number = 0;
  for (const Shmem &shmem : d.shmems) {
    b.Check(shmem.position, AddShmem(b, shmem, number++));
  }
  if (d.vsock) {
    b.Check("devices/vsock", AddVsock(b));
  }
  for (const Chardev &redirection : d.redirections) {
    b.Check(redirection.position, Unsupported(redirection.kind, "this driver does not know it"));
  }
  if (!d.smartcard_databases.empty()) {
    b.Check("devices/smartcard", Unsupported("smartcard", "this driver does not know it"));
  }
  if (!d.render_nodes.empty()) {
    b.Check("devices/video", Unsupported("video", "this driver gives a guest no render node"));
  }
  if (!d.launch_security.empty()) {
    b.Check("launchSecurity",
            Unsupported("launchSecurity " + d.launch_security, "this driver does not know it"));
  }
  AddSmallDevices(b);
}

}  // namespace svirt
