// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/qemu/qemu_elements.h"

#include <algorithm>
#include <sstream>
#include <string_view>

namespace svirt {
namespace {

using boost::property_tree::ptree;

// An element that is acted upon, or that means nothing to the guest. attributes: "*" any, else the
// words allowed; a word "name=value" allows that value only. opaque: what is below it as well.
struct Rule {
  std::string_view path;
  std::string_view attributes = "*";
  bool opaque = false;
};

constexpr bool kOpaque = true;

// clang-format off
constexpr Rule kRules[] = {
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
    {"devices"}, {"devices/emulator"}, {"devices/controller", "*", kOpaque},
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

// The place of an element in the table: character devices are alike, chains may be of any length,
// and every device has a name and a place.
std::string RulePath(const std::string &parent, const std::string &name) {
  if (parent == "devices" && (name == "parallel" || name == "console" || name == "channel")) {
    return "devices/serial";
  }
  if (parent == "devices/disk/backingStore" && name == "backingStore") {
    return parent;
  }
  return parent.empty() ? name : parent + "/" + name;
}

bool IsPlacement(const std::string &parent, const std::string &name) {
  return parent.starts_with("devices/") && (name == "address" || name == "alias");
}

// QEMU's own arguments stand under any prefix that means QEMU's namespace; the parser tells.
bool IsReadCommandline(const Domain &domain, const std::string &name) {
  return name.substr(name.find(':') + 1) == "commandline" &&
         std::find(domain.unknown.begin(), domain.unknown.end(), name) == domain.unknown.end();
}

bool AllowsAttribute(const Rule &rule, const std::string &name, const std::string &value) {
  if (rule.attributes == "*") {
    return true;
  }
  const std::string pair = std::string(name).append("=").append(value);
  std::istringstream words{std::string(rule.attributes)};
  for (std::string word; words >> word;) {
    if (word == name || word == pair) {
      return true;
    }
  }
  return false;
}

Error Refuse(const std::string &where) {
  return Error{Errc::kUnsupported, "<" + where +
                                       " of the domain XML is nothing that the QEMU driver can do: "
                                       "remove it"};
}

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
  return Refuse("controller type='" + type + "' model='" + model + "'>");
}

// Not recursive on the depth of the document: that is bounded by the table, the chain of
// backingStore by the parser.
Status CheckChildren(const Domain &domain, const ptree &parent, const std::string &path,
                     const std::string &shown) {
  for (const auto &[name, node] : parent) {
    if (name.starts_with("<") || IsPlacement(path, name) ||
        (path.empty() && IsReadCommandline(domain, name))) {
      continue;  // "<": attributes, comments and text of the parent
    }
    const std::string rule_path = RulePath(path, name);
    const std::string shown_path =
        shown.empty() ? name : std::string(shown).append("/").append(name);
    const auto *rule = std::find_if(std::begin(kRules), std::end(kRules),
                                    [&](const Rule &r) { return r.path == rule_path; });
    if (rule == std::end(kRules)) {
      return Refuse(shown_path + ">");
    }
    if (const auto attributes = node.get_child_optional("<xmlattr>")) {
      for (const auto &[attribute, value] : *attributes) {
        if (!AllowsAttribute(*rule, attribute, value.data())) {
          std::string where = shown_path;
          where.append(" ").append(attribute).append("='").append(value.data()).append("'>");
          return Refuse(where);
        }
      }
    }
    if (rule_path == "devices/controller") {
      SVIRT_TRY(CheckController(node));
    }
    if (!rule->opaque) {
      SVIRT_TRY(CheckChildren(domain, node, rule_path, shown_path));
    }
  }
  return {};
}

}  // namespace

Status CheckElements(const Domain &domain) {
  const auto root = domain.document.get_child_optional("domain");
  return root ? CheckChildren(domain, *root, "", "") : Status();
}

}  // namespace svirt
