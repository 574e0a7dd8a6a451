// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes the configuration line by line, and refuses what it cannot express.
#include "host/hypervisor/xen/xl_config.h"

#include <optional>
#include <utility>
#include <vector>

#include "host/hypervisor/xen/xen_elements.h"
#include "host/hypervisor/xen/xl_devices.h"
#include "host/util/text.h"

namespace svirt {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// A configuration that grows line by line; the first line that fails is the result.
class XlConfig {
 public:
  void Add(std::string_view key, std::string_view value) {
    auto quoted = QuoteForXl(key, value);
    if (!quoted.ok()) {
      Fail(std::move(quoted).error());
      return;
    }
    AddLine(key, *quoted);
  }
  void Add(std::string_view key, uint64_t number) { AddLine(key, std::to_string(number)); }
  void AddIfGiven(std::string_view key, std::string_view value) {
    if (!value.empty()) {
      Add(key, value);
    }
  }
  void Add(std::string_view key, const std::vector<std::string> &list) {
    std::string text;
    for (const std::string &value : list) {
      auto quoted = QuoteForXl(key, value);
      if (!quoted.ok()) {
        Fail(std::move(quoted).error());
        return;
      }
      text += (text.empty() ? "" : ",\n  ") + *quoted;
    }
    if (!text.empty()) {
      AddLine(key, "[\n  " + text + "\n]");
    }
  }
  Result<std::string> Take() && {
    return error_ ? Result<std::string>(std::move(*error_)) : std::move(text_);
  }

 private:
  void AddLine(std::string_view key, const std::string &value) {
    text_.append(key).append(" = ").append(value).append("\n");
  }
  void Fail(Error error) {
    if (!error_) {
      error_ = std::move(error);
    }
  }
  std::string text_;
  std::optional<Error> error_;
};

// What xl calls a domain without an emulator.
Result<std::string> TypeForXl(const Domain &domain) {
  if (!domain.arch.empty() && domain.arch != "x86_64") {
    return Error{Errc::kUnsupported, "domain " + domain.name + ": arch " + Quoted(domain.arch) +
                                         " is not run here; write arch='x86_64'"};
  }
  const bool is_pvh = domain.os_type == "xenpvh" || domain.machine == "xenpvh";
  if (is_pvh || domain.os_type == "linux" || domain.os_type == "xen") {
    if (!domain.machine.empty() && domain.machine != (is_pvh ? "xenpvh" : "xenpv")) {
      return Error{Errc::kUnsupported, "domain " + domain.name + ": a domain of os type " +
                                           domain.os_type + " is no machine " +
                                           Quoted(domain.machine)};
    }
    return std::string(is_pvh ? "pvh" : "pv");
  }
  return Error{Errc::kUnsupported, "domain " + domain.name + ": os type " + Quoted(domain.os_type) +
                                       " needs an emulator in the control domain; write "
                                       "<type>xenpvh</type> for PVH, or <type>linux</type> for PV"};
}

Status CheckMemory(const Domain &domain) {
  if (domain.memory_bytes == 0 || domain.memory_bytes % kMiB != 0) {
    return Error{Errc::kInvalid,
                 "domain " + domain.name + " needs <memory> in whole MiB, which is how xl counts"};
  }
  if (domain.current_memory_bytes != 0 && domain.current_memory_bytes != domain.memory_bytes) {
    return Error{Errc::kUnsupported, "domain " + domain.name +
                                         ": <currentMemory> must be what <memory> is, or be left "
                                         "out: no balloon is driven here"};
  }
  return {};
}

// A guest that could come back by itself would run again without its label having been verified.
Status CheckEnd(const Domain &domain) {
  for (const auto &[name, action] : {std::pair("on_poweroff", &domain.on_poweroff),
                                     {"on_reboot", &domain.on_reboot},
                                     {"on_crash", &domain.on_crash}}) {
    if (!action->empty() && *action != "destroy") {
      return Error{Errc::kUnsupported, "domain " + domain.name + ": <" + name + ">" +
                                           Printable(*action) + "</" + name +
                                           "> is nothing that the Xen driver does: a domain ends "
                                           "there, and 'svirt start' starts it again under a label "
                                           "that is verified; write destroy"};
    }
  }
  return {};
}

// The <driver name=''> of each disk, in document order.
std::vector<std::string> DiskDrivers(const Domain &domain) {
  std::vector<std::string> names;
  const auto root = domain.document.get_child_optional("domain");
  if (!root) {
    return names;
  }
  for (const auto &[name, devices] : *root) {
    if (name != "devices") {
      continue;
    }
    for (const auto &[device, node] : devices) {
      if (device == "disk") {
        names.push_back(node.get<std::string>("driver.<xmlattr>.name", ""));
      }
    }
  }
  return names;
}

Status AddDevices(const Domain &domain, XlConfig *config) {
  std::vector<std::string> disks;
  const std::vector<std::string> drivers = DiskDrivers(domain);
  for (size_t i = 0; i < domain.disks.size(); ++i) {
    const std::string driver = i < drivers.size() ? drivers[i] : "";
    SVIRT_ASSIGN(std::string disk, DiskForXl(domain.disks[i], driver));
    disks.push_back(std::move(disk));
  }
  config->Add("disk", disks);
  std::vector<std::string> interfaces;
  for (const Interface &each : domain.interfaces) {
    SVIRT_ASSIGN(std::string interface, InterfaceForXl(each));
    interfaces.push_back(std::move(interface));
  }
  config->Add("vif", interfaces);
  std::vector<std::string> pci;
  for (const HostDevice &each : domain.hostdevs) {
    SVIRT_ASSIGN(std::string device, HostDeviceForXl(each));
    pci.push_back(std::move(device));
  }
  config->Add("pci", pci);
  for (const Chardev &console : domain.chardevs) {
    SVIRT_TRY(CheckConsole(console));
  }
  if (domain.chardevs.size() > 1) {
    return Error{Errc::kUnsupported, "domain " + domain.name + " can have one console only"};
  }
  return {};
}

}  // namespace

Result<std::string> QuoteForXl(std::string_view what, std::string_view text) {
  if (HasControlCharacters(text)) {
    return Error{Errc::kInvalid, std::string(what) + " " + Quoted(Printable(text)) +
                                     " contains a control character (a newline, a tab), which "
                                     "xl's configuration must not"};
  }
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
    }
    quoted += c;
  }
  return quoted + "\"";
}

Result<std::string> BuildXlConfig(const Domain &domain, const std::string &seclabel) {
  Refusals beyond;
  CheckXenElements(domain, &beyond);
  SVIRT_TRY(beyond.ToStatus());
  SVIRT_ASSIGN(const std::string type, TypeForXl(domain));
  SVIRT_TRY(CheckMemory(domain));
  SVIRT_TRY(CheckEnd(domain));
  if (domain.kernel.empty()) {
    return Error{Errc::kInvalid, "domain " + domain.name +
                                     " needs a <kernel>: it has no firmware that could find one"};
  }
  XlConfig config;
  config.Add("name", domain.name);
  config.Add("uuid", domain.uuid);
  config.Add("type", type);
  config.Add("kernel", domain.kernel);
  config.AddIfGiven("ramdisk", domain.initrd);
  config.AddIfGiven("cmdline", domain.cmdline);
  config.Add("memory", domain.memory_bytes / kMiB);
  config.Add("vcpus", uint64_t{domain.vcpus});
  config.AddIfGiven("seclabel", seclabel);
  for (const char *key : {"on_poweroff", "on_reboot", "on_crash"}) {
    config.Add(key, std::string_view("destroy"));
  }
  SVIRT_TRY(AddDevices(domain, &config));
  return std::move(config).Take();
}

}  // namespace svirt
