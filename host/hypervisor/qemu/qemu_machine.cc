// SPDX-License-Identifier: LGPL-2.1-or-later
// Name, machine, accelerator, processor and memory.
#include <algorithm>

#include "host/hypervisor/qemu/qemu_builder.h"

namespace svirt {
namespace {

using nlohmann::json;

constexpr uint64_t kKiB = 1024;

// QEMU's own words (models, features) go into an option unescaped where it knows no escape.
bool IsWord(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

Status CheckType(const Domain &domain) {
  if (domain.type != "kvm" && domain.type != "qemu") {
    return Unsupported("domain type '" + domain.type + "'",
                       "QEMU runs domains of type kvm and qemu only");
  }
  if (!domain.os_type.empty() && domain.os_type != "hvm") {
    return Unsupported("os type '" + domain.os_type + "'", "QEMU runs type hvm only");
  }
  if (domain.memory_bytes == 0 || domain.vcpus == 0) {
    return Error{Errc::kInvalid,
                 "domain " + domain.name + " needs <memory> and at least one <vcpu>"};
  }
  return {};
}

// Guest memory is an object of its own when something has to be said about it.
bool HasMemoryObject(const QemuBuilder &b) {
  return b.domain.memory_source == "memfd" || b.domain.memory_source == "file" ||
         b.domain.hugepages || b.has_shared_memory() ||
         b.Xml("memoryBacking.allocation.<xmlattr>.mode") == "immediate";
}

Status AddMachineType(QemuBuilder &b) {
  if (b.machine().empty()) {
    return Error{Errc::kInvalid, "domain " + b.domain.name +
                                     ": <type machine=...> is needed, since there is no usual "
                                     "machine for arch " +
                                     b.domain.arch};
  }
  Keyval machine(b.machine());
  machine.Set("usb", false).Set("dump-guest-core", false);
  const bool arm_virt = b.machine().starts_with("virt") && b.domain.arch == "aarch64";
  if (b.is_x86() || arm_virt) {
    machine.Set("acpi", b.domain.acpi);
  }
  for (const char *feature : {"vmport", "smm"}) {
    if (const std::string state = b.Xml(std::string("features.") + feature + ".<xmlattr>.state");
        !state.empty()) {
      machine.Set(feature, state == "on");
    }
  }
  const auto &devices = b.domain.memory_devices;
  if (std::any_of(devices.begin(), devices.end(),
                  [](const MemoryDevice &m) { return m.model == "nvdimm"; })) {
    machine.Set("nvdimm", true);
  }
  if (HasMemoryObject(b)) {
    machine.Set("memory-backend", "ram0");
  }
  if (b.XmlNode("memoryBacking.nosharepages") != nullptr) {
    machine.Set("mem-merge", false);
  }
  const LoaderNvram &firmware = b.domain.firmware;
  if (firmware.loader_type == "pflash" || !firmware.nvram.empty()) {
    machine.Set("pflash0", "pflash0");
    if (!firmware.nvram.empty()) {
      machine.Set("pflash1", "pflash1");
    }
  }
  b.args.Add("-machine", machine);
  b.args.Add("-accel", b.domain.type == "kvm" ? "kvm" : "tcg");
  return {};
}

// The features of <cpu>, in QEMU's "+a,-b" form.
Result<std::string> CpuFeatures(const QemuBuilder &b) {
  std::string text;
  const auto *cpu = b.XmlNode("cpu");
  if (cpu == nullptr) {
    return text;
  }
  for (const auto &[name, node] : *cpu) {
    if (name != "feature") {
      continue;
    }
    const auto feature = node.get<std::string>("<xmlattr>.name", "");
    const auto policy = node.get<std::string>("<xmlattr>.policy", "require");
    if (!IsWord(feature)) {
      return Error{Errc::kInvalid, "cpu feature '" + feature + "' is not a name"};
    }
    const bool off = policy == "disable" || policy == "forbid";
    text.append(off ? ",-" : ",+").append(feature);
  }
  return text;
}

Status AddCpu(QemuBuilder &b) {
  const bool kvm = b.domain.type == "kvm";
  const std::string &mode = b.domain.cpu_mode;
  std::string model = b.domain.cpu_model;
  if (mode == "host-passthrough") {
    if (!kvm) {
      return Unsupported("cpu mode 'host-passthrough'",
                         "only KVM passes the host's processor through; use mode='maximum'");
    }
    model = "host";
  } else if (mode == "host-model") {
    model = kvm ? "host" : "max";
  } else if (mode == "maximum") {
    model = "max";
  } else if (!mode.empty() && mode != "custom") {
    return Unsupported("cpu mode '" + mode + "'", "this driver does not know it");
  }
  SVIRT_ASSIGN(const std::string features, CpuFeatures(b));
  if (model.empty()) {
    if (!features.empty()) {
      return Error{Errc::kInvalid, "cpu features need a cpu mode or model to build upon"};
    }
    return {};
  }
  if (!IsWord(model)) {
    return Error{Errc::kInvalid, "cpu model '" + model + "' is not a name"};
  }
  const std::string check = b.Xml("cpu.<xmlattr>.check");
  const bool enforce = check == "partial" || check == "full";
  if (enforce && !b.is_x86()) {
    return Unsupported("cpu check '" + check + "'",
                       "QEMU refuses a processor it cannot give in full on x86 only; write "
                       "check='none'");
  }
  b.args.Add("-cpu", model + features + (enforce ? ",enforce" : ""));
  return {};
}

Status AddSmp(QemuBuilder &b) {
  Keyval smp("cpus=" + std::to_string(b.domain.vcpus));
  if (const auto *topology = b.XmlNode("cpu.topology.<xmlattr>")) {
    for (const char *part : {"sockets", "dies", "cores", "threads"}) {
      if (const auto count = topology->get_optional<uint64_t>(part)) {
        smp.Set(part, *count);
      }
    }
  }
  b.args.Add("-smp", smp);
  return {};
}

Status AddMemory(QemuBuilder &b) {
  const Domain &d = b.domain;
  Keyval memory("size=" + std::to_string((d.memory_bytes + kKiB - 1) / kKiB) + "k");
  uint64_t slots = d.memory_devices.size();
  uint64_t max = d.memory_bytes;
  for (const MemoryDevice &device : d.memory_devices) {
    max += device.size_bytes;
  }
  if (d.memory_slots > 0) {
    if (slots > d.memory_slots || max > d.max_memory_bytes) {
      return Error{Errc::kInvalid, "domain " + d.name + " has more memory devices than its " +
                                       "<maxMemory> allows: " + std::to_string(slots) + " of " +
                                       std::to_string(d.memory_slots) + " slots, " +
                                       std::to_string(max) + " of " +
                                       std::to_string(d.max_memory_bytes) + " bytes"};
    }
    slots = d.max_memory_bytes > d.memory_bytes ? d.memory_slots : 0;
    max = d.max_memory_bytes;
  }
  if (slots > 0) {
    memory.Set("slots", slots).Set("maxmem", std::to_string((max + kKiB - 1) / kKiB) + "k");
  }
  b.args.Add("-m", memory);
  if (!d.memory_source.empty() && d.memory_source != "anonymous" && d.memory_source != "memfd" &&
      d.memory_source != "file") {
    return Unsupported("memoryBacking source '" + d.memory_source + "'",
                       "this driver knows anonymous, memfd and file");
  }
  if (!HasMemoryObject(b)) {
    return {};
  }
  b.args.Add("-object", MemoryBackend(b, "ram0", (d.memory_bytes + kKiB - 1) / kKiB * kKiB));
  return {};
}

}  // namespace

json MemoryBackend(const QemuBuilder &b, const std::string &id, uint64_t size) {
  json memory = {{"id", id}, {"size", size}};
  if (!HasMemoryObject(b)) {
    memory["qom-type"] = "memory-backend-ram";
    return memory;
  }
  if (b.domain.memory_source == "file" && !b.domain.hugepages) {
    // In a directory QEMU makes a file without a name: nothing is left behind.
    memory["qom-type"] = "memory-backend-file";
    memory["mem-path"] = ".";
  } else {
    memory["qom-type"] = "memory-backend-memfd";
    memory["hugetlb"] = b.domain.hugepages;
  }
  memory["share"] = b.has_shared_memory();
  memory["prealloc"] = b.Xml("memoryBacking.allocation.<xmlattr>.mode") == "immediate";
  return memory;
}

void AddMachine(QemuBuilder &b) {
  const Domain &d = b.domain;
  b.Check("", CheckType(d));
  b.args.Add("-name", Keyval("guest=" + d.name).Set("debug-threads", true));
  b.args.Add("-uuid", d.uuid);
  b.args.Add("-no-user-config");
  b.args.Add("-nodefaults");
  b.args.Add("-sandbox", Keyval("on")
                             .Set("obsolete", "deny")
                             .Set("elevateprivileges", "deny")
                             .Set("spawn", "deny")
                             .Set("resourcecontrol", "deny"));
  b.args.Add("-msg", "timestamp=on");
  b.Check("os/type", AddMachineType(b));
  b.Check("cpu", AddCpu(b));
  b.Check("memory", AddMemory(b));
  b.Check("vcpu", AddSmp(b));
}

}  // namespace svirt
