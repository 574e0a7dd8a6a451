// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads memory, processors, <os>, features and the other parts, and calls the readers of devices.
#include "host/domain/domain_part_xml.h"

#include <algorithm>
#include <boost/algorithm/string/trim.hpp>
#include <initializer_list>
#include <string>
#include <utility>

#include "host/domain/device_names.h"
#include "host/domain/device_xml.h"
#include "host/domain/number.h"
#include "host/domain/seclabel_xml.h"

namespace svirt {
namespace {

using PartReader = Status (*)(const XmlElement &, Domain *);
struct Part {
  std::string_view name;
  PartReader read;
  bool many = false;
};

// Hands each element to its reader, in document order; others stay unread. Of what can stand only
// once the first counts, as for every other reader of domain XML.
template <size_t N>
Status ReadParts(const XmlElement &element, const Part (&parts)[N], Domain *domain) {
  bool done[N] = {};
  for (const XmlElement &child : element.All()) {
    for (size_t i = 0; i < N; ++i) {
      if (parts[i].name == child.name() && (parts[i].many || !done[i])) {
        done[i] = true;
        child.MarkSeen();
        SVIRT_TRY(parts[i].read(child, domain));
        break;
      }
    }
  }
  return {};
}

std::string Trimmed(const XmlElement &element) {
  return boost::algorithm::trim_copy(element.Text(), std::locale::classic());
}

Status ReadMemory(const XmlElement &element, Domain *domain) {
  Result<uint64_t> bytes = ParseBytes(Trimmed(element), element.Attr("unit"), "KiB");
  if (!bytes) {
    return element.Fail("<memory>", bytes.error());
  }
  domain->memory_bytes = *bytes;
  return {};
}

Status ReadCurrentMemory(const XmlElement &element, Domain *domain) {
  Result<uint64_t> bytes = ParseBytes(Trimmed(element), element.Attr("unit"), "KiB");
  if (!bytes) {
    return element.Fail("<currentMemory>", bytes.error());
  }
  domain->current_memory_bytes = *bytes;
  return {};
}

Status ReadMaxMemory(const XmlElement &element, Domain *domain) {
  Result<uint64_t> bytes = ParseBytes(Trimmed(element), element.Attr("unit"), "KiB");
  if (!bytes) {
    return element.Fail("<maxMemory>", bytes.error());
  }
  SVIRT_ASSIGN(domain->memory_slots, element.Unsigned("slots", 0, 256));
  if (*bytes == 0 || domain->memory_slots == 0) {
    return element.Fail(
        "<maxMemory slots='N'> needs a size and the number of memory devices there may be, from 1 "
        "to 256");
  }
  domain->max_memory_bytes = *bytes;
  return {};
}

Status ReadVcpu(const XmlElement &element, Domain *domain) {
  Result<uint64_t> count = ParseUnsigned(Trimmed(element), 65535);
  if (!count || *count == 0) {
    return element.Fail("<vcpu> needs the number of virtual CPUs, from 1 to 65535");
  }
  domain->vcpus = static_cast<unsigned>(*count);
  return {};
}

Status ReadCpu(const XmlElement &element, Domain *domain) {
  domain->cpu_mode = element.Attr("mode");
  if (const auto model = element.Child("model")) {
    domain->cpu_model = Trimmed(*model);
  }
  return {};
}

Status ReadFeatures(const XmlElement &element, Domain *domain) {
  domain->acpi = element.Child("acpi").has_value();
  return {};
}

Status ReadMemoryBacking(const XmlElement &element, Domain *domain) {
  domain->positions["memoryBacking"] = element.Position();
  domain->hugepages = element.Child("hugepages").has_value();
  if (const auto source = element.Child("source")) {
    SVIRT_ASSIGN(domain->memory_source, source->OneOf("type", "", {"file", "anonymous", "memfd"}));
  }
  return {};
}

Status ReadSysinfo(const XmlElement &element, Domain *domain) {
  if (element.Attr("type") != "fwcfg") {
    return {};
  }
  domain->positions.try_emplace("sysinfo", element.Position());
  for (const XmlElement &entry : element.All()) {
    if (entry.name() != "entry" || entry.FindAttr("file") == nullptr) {
      continue;
    }
    entry.MarkSeen();
    SVIRT_ASSIGN(std::string file, entry.Path("file"));
    if (entry.Attr("name").empty() || file.empty()) {
      return entry.Fail("a fwcfg <entry> with a file needs name= and file=");
    }
    domain->fw_cfg.emplace_back(entry.Attr("name"), std::move(file));
  }
  return {};
}

Status ReadLaunchSecurity(const XmlElement &element, Domain *domain) {
  domain->positions["launchSecurity"] = element.Position();
  domain->launch_security = element.Attr("type");
  return {};
}

// ---- <os> -----------------------------------------------------------------

Status ReadOsType(const XmlElement &element, Domain *domain) {
  domain->os_type = Trimmed(element);
  domain->arch = element.Attr("arch");
  domain->machine = element.Attr("machine");
  return {};
}

Status ReadBoot(const XmlElement &element, Domain *domain) {
  SVIRT_ASSIGN(std::string device, element.OneOf("dev", "", {"fd", "hd", "cdrom", "network"}));
  if (!device.empty()) {
    domain->boot_order.push_back(std::move(device));
  }
  return {};
}

Status ReadCmdline(const XmlElement &element, Domain *domain) {
  domain->cmdline = element.Text();
  return {};
}

template <std::string Domain::*Member>
Status ReadFile(const XmlElement &element, Domain *domain) {
  domain->positions[element.name()] = element.Position();
  SVIRT_ASSIGN(domain->*Member, element.TextPath());
  return {};
}

Status ReadLoader(const XmlElement &element, Domain *domain) {
  LoaderNvram &firmware = domain->firmware;
  domain->positions["loader"] = element.Position();
  SVIRT_ASSIGN(firmware.loader_type, element.OneOf("type", "rom", {"rom", "pflash"}));
  SVIRT_ASSIGN(firmware.loader_readonly, element.Bool("readonly", true));
  SVIRT_ASSIGN(firmware.loader, element.TextPath());
  return {};
}

// The path is the text of <nvram>, or its <source> where it has a type.
Status ReadNvram(const XmlElement &element, Domain *domain) {
  LoaderNvram &firmware = domain->firmware;
  domain->positions["nvram"] = element.Position();
  SVIRT_ASSIGN(firmware.nvram_template, element.Path("template"));
  SVIRT_ASSIGN(const std::string type, element.OneOf("type", "", {"file", "block", "network"}));
  if (type.empty()) {
    SVIRT_ASSIGN(firmware.nvram, element.TextPath());
    return {};
  }
  const std::optional<XmlElement> source = element.Child("source");
  if (!source) {
    return element.Fail("an <nvram> with a type needs a <source>");
  }
  firmware.nvram_is_block = type == "block";
  if (type != "network") {
    SVIRT_ASSIGN(firmware.nvram, source->Path(firmware.nvram_is_block ? "dev" : "file"));
  }
  SVIRT_ASSIGN(firmware.nvram_seclabels, ReadDeviceSecLabels(*source, domain->seclabels));
  return {};
}

Status ReadAcpi(const XmlElement &element, Domain *domain) {
  domain->positions["acpi"] = element.Position();
  for (const XmlElement &table : element.Children("table")) {
    SVIRT_ASSIGN(std::string path, table.TextPath());
    if (path.empty()) {
      return table.Fail("an ACPI <table> needs the path of its file as text");
    }
    domain->acpi_tables.push_back(std::move(path));
  }
  return {};
}

Status ReadOs(const XmlElement &element, Domain *domain) {
  static constexpr Part kParts[] = {
      {"type", ReadOsType},
      {"boot", ReadBoot, true},
      {"loader", ReadLoader},
      {"nvram", ReadNvram},
      {"kernel", ReadFile<&Domain::kernel>},
      {"initrd", ReadFile<&Domain::initrd>},
      {"dtb", ReadFile<&Domain::dtb>},
      {"cmdline", ReadCmdline},
      {"acpi", ReadAcpi},
  };
  return ReadParts(element, kParts, domain);
}

// ---- <devices> --------------------------------------------------------------

Status ReadDevices(const XmlElement &element, Domain *domain) {
  static constexpr Part kParts[] = {
      {"emulator", ReadFile<&Domain::emulator>},
      {"disk", ReadDisk, true},
      {"filesystem", ReadFilesystem, true},
      {"interface", ReadInterface, true},
      {"smartcard", ReadSmartcard, true},
      {"serial", ReadChardev, true},
      {"parallel", ReadChardev, true},
      {"console", ReadChardev, true},
      {"channel", ReadChardev, true},
      {"input", ReadInput, true},
      {"tpm", ReadTpm, true},
      {"graphics", ReadGraphics, true},
      {"video", ReadVideo, true},
      {"hostdev", ReadHostDevice, true},
      {"redirdev", ReadRedirdev, true},
      {"rng", ReadRng, true},
      {"shmem", ReadShmem, true},
      {"memory", ReadMemoryDevice, true},
      {"vsock", ReadVsock},
  };
  return ReadParts(element, kParts, domain);
}

void FindSerialAlias(Domain *domain) {
  Chardev *console = nullptr;
  bool serial = false;
  for (Chardev &chardev : domain->chardevs) {
    serial = serial || chardev.kind == "serial";
    if (console == nullptr && chardev.kind == "console") {
      console = &chardev;
    }
  }
  if (console != nullptr) {
    console->serial_alias =
        serial && (console->target_type.empty() || console->target_type == "serial");
  }
}

// ---- extensions of the QEMU driver ----------------------------------------

constexpr std::string_view kQemuNamespace = "http://libvirt.org/schemas/domain/qemu/1.0";

// What namespace an element of <domain> is in: as its prefix, or xmlns without one, is bound by
// itself or by <domain>.
std::string NamespaceOf(const XmlElement &element, const XmlElement &domain) {
  const size_t colon = element.name().find(':');
  const std::string attribute =
      colon == std::string::npos ? "xmlns" : "xmlns:" + element.name().substr(0, colon);
  const std::string *uri = element.FindAttr(attribute);
  uri = uri == nullptr ? domain.FindAttr(attribute) : uri;
  return uri == nullptr ? std::string() : *uri;
}

std::string_view LocalName(const XmlElement &element) {
  return std::string_view(element.name()).substr(element.name().find(':') + 1);
}

Status HasOnly(const XmlElement &element, std::initializer_list<std::string_view> names) {
  const auto attributes = element.node().get_child_optional(kXmlAttributes);
  if (!attributes) {
    return {};
  }
  for (const auto &[name, value] : *attributes) {
    if (std::ranges::find(names, name) == names.end() && !name.starts_with("xmlns")) {
      return element.Fail("<" + element.name() + "> has no attribute " + name + "=");
    }
  }
  return {};
}

Status ReadQemuCommandline(const XmlElement &element, Domain *domain) {
  element.MarkSeen();
  for (const XmlElement &child : element.All()) {
    child.MarkSeen();
    if (LocalName(child) == "arg") {
      if (child.FindAttr("value") == nullptr) {
        return child.Fail("No qemu command-line argument specified: write value=");
      }
      SVIRT_TRY(HasOnly(child, {"value"}));
      domain->qemu_args.push_back(child.Attr("value"));
    } else if (LocalName(child) == "env") {
      const std::string name = child.Attr("name");
      if (name.empty() || name.find('=') != std::string::npos) {
        return child.Fail("an environment variable needs name=, without '='");
      }
      SVIRT_TRY(HasOnly(child, {"name", "value"}));
      domain->qemu_env.emplace_back(name, child.Attr("value"));
    } else {
      return child.Fail("<" + child.name() + "> is neither an argument nor a variable of QEMU");
    }
  }
  return {};
}

Status ReadExtensions(const XmlElement &element, Domain *domain) {
  for (const XmlElement &child : element.All()) {
    if (LocalName(child) != "commandline") {
      continue;
    }
    if (NamespaceOf(child, element) == kQemuNamespace) {
      SVIRT_TRY(ReadQemuCommandline(child, domain));
    } else if (child.name() == "qemu:commandline") {
      return child.Fail(
          "the prefix 'qemu' is not bound to its namespace, so the arguments would "
          "be lost; write <domain xmlns:qemu='" +
          std::string(kQemuNamespace) + "'>");
    }
  }
  return {};
}

template <std::string Domain::*Member>
Status ReadText(const XmlElement &element, Domain *domain) {
  domain->*Member = Trimmed(element);
  return {};
}

}  // namespace

Status ReadDomainParts(const XmlElement &element, Domain *domain) {
  static constexpr Part kParts[] = {
      {"memory", ReadMemory},
      {"currentMemory", ReadCurrentMemory},
      {"maxMemory", ReadMaxMemory},
      {"vcpu", ReadVcpu},
      {"cpu", ReadCpu},
      {"features", ReadFeatures},
      {"memoryBacking", ReadMemoryBacking},
      {"sysinfo", ReadSysinfo, true},
      {"os", ReadOs},
      {"on_poweroff", ReadText<&Domain::on_poweroff>},
      {"on_reboot", ReadText<&Domain::on_reboot>},
      {"on_crash", ReadText<&Domain::on_crash>},
      {"devices", ReadDevices, true},
      {"launchSecurity", ReadLaunchSecurity},
  };
  SVIRT_TRY(ReadParts(element, kParts, domain));
  FindSerialAlias(domain);
  NameDevices(domain);
  return ReadExtensions(element, domain);
}

}  // namespace svirt
