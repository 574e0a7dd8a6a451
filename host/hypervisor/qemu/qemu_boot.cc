// SPDX-License-Identifier: LGPL-2.1-or-later
// Firmware, kernel, clock, and what happens when the guest stops.
#include "host/hypervisor/qemu/qemu_builder.h"

namespace svirt {
namespace {

using nlohmann::json;

void AddFlash(QemuBuilder &b, const std::string &id, const char *driver, const std::string &path,
              bool readonly) {
  b.args.Add("-blockdev", json{{"node-name", id + "-file"},
                               {"driver", driver},
                               {"filename", path},
                               {"read-only", readonly}});
  b.args.Add(
      "-blockdev",
      json{{"node-name", id}, {"driver", "raw"}, {"file", id + "-file"}, {"read-only", readonly}});
}

Status AddFirmware(QemuBuilder &b) {
  const LoaderNvram &f = b.domain.firmware;
  if (f.loader.empty()) {
    if (!f.nvram.empty()) {
      return Error{Errc::kInvalid, "<nvram> " + f.nvram + " needs a <loader> of type pflash"};
    }
    return {};
  }
  if (f.loader_type == "pflash" || !f.nvram.empty()) {
    // Code that several domains share must never be written to.
    AddFlash(b, "pflash0", "file", f.loader, f.loader_readonly || !f.nvram.empty());
    if (!f.nvram.empty()) {
      AddFlash(b, "pflash1", f.nvram_is_block ? "host_device" : "file", f.nvram, false);
    }
  } else {
    b.args.Add("-bios", f.loader);
  }
  return {};
}

// QEMU's -action for the lifecycle words of the XML; "" is QEMU's own default.
Status AddLifecycle(QemuBuilder &b) {
  struct Rule {
    const char *element;
    const std::string &word;
    const char *event, *destroy, *preserve, *restart;
  };
  const Domain &d = b.domain;
  // nullptr: cannot be done by QEMU itself. "": is what it does anyway.
  const Rule rules[] = {
      {"on_poweroff", d.on_poweroff, "shutdown", "", "pause", nullptr},
      {"on_reboot", d.on_reboot, "reboot", "shutdown", nullptr, ""},
      {"on_crash", d.on_crash, "panic", "shutdown", "pause", nullptr},
  };
  for (const Rule &rule : rules) {
    const char *action = nullptr;
    if (rule.word.empty()) {
      action = "";
    } else if (rule.word == "destroy") {
      action = rule.destroy;
    } else if (rule.word == "preserve") {
      action = rule.preserve;
    } else if (rule.word == "restart") {
      action = rule.restart;
    }
    if (action == nullptr) {
      return Unsupported(std::string("<") + rule.element + ">" + rule.word,
                         "this driver cannot do that; choose another action");
    }
    if (*action != '\0') {
      b.args.Add("-action", std::string(rule.event) + "=" + action);
    }
  }
  return {};
}

// Sleep states that the firmware's tables must not offer.
Status AddPowerManagement(QemuBuilder &b) {
  const std::pair<const char *, const char *> states[] = {{"suspend-to-mem", "disable_s3"},
                                                          {"suspend-to-disk", "disable_s4"}};
  for (const auto &[element, property] : states) {
    const std::string enabled = b.Xml(std::string("pm.") + element + ".<xmlattr>.enabled");
    if (enabled.empty()) {
      continue;
    }
    if (!b.is_pc() && !b.is_q35()) {
      return Unsupported("<pm>", "machine " + b.machine() + " has no such states");
    }
    b.args.Add("-global", std::string(b.is_q35() ? "ICH9-LPC." : "PIIX4_PM.") + property +
                              (enabled == "no" ? "=1" : "=0"));
  }
  return {};
}

Status AddClock(QemuBuilder &b) {
  const std::string offset = b.Xml("clock.<xmlattr>.offset");
  if (!offset.empty() && offset != "utc" && offset != "localtime") {
    return Unsupported("clock offset '" + offset + "'", "this driver knows utc and localtime");
  }
  Keyval rtc("base=" + (offset.empty() ? std::string("utc") : offset));
  if (const auto *clock = b.XmlNode("clock")) {
    for (const auto &[name, timer] : *clock) {
      if (name != "timer") {
        continue;
      }
      const auto which = timer.get<std::string>("<xmlattr>.name", "");
      const auto present = timer.get<std::string>("<xmlattr>.present", "");
      const auto policy = timer.get<std::string>("<xmlattr>.tickpolicy", "");
      if (which == "rtc" && policy == "catchup" && present != "no") {
        rtc.Set("driftfix", "slew");
      } else if (which == "hpet" && present == "no" && b.is_x86()) {
        b.args.Add("-machine", "hpet=off");
      } else if (which != "pit" || policy != "delay") {  // that is QEMU's default
        return Unsupported("clock timer '" + which + "'",
                           "this driver cannot set it up as asked; remove the <timer>");
      }
    }
  }
  b.args.Add("-rtc", rtc);
  return {};
}

}  // namespace

void AddBoot(QemuBuilder &b) {
  const Domain &d = b.domain;
  b.Check("os", AddFirmware(b));
  b.Check("", AddLifecycle(b));
  b.Check("pm", AddPowerManagement(b));
  b.Check("clock", AddClock(b));
  Keyval boot("strict=on");
  if (b.Xml("os.bootmenu.<xmlattr>.enable") == "yes") {
    boot.Set("menu", true);
  }
  b.args.Add("-boot", boot);
  if (d.kernel.empty() && (!d.initrd.empty() || !d.cmdline.empty())) {
    b.Check("os", Error{Errc::kInvalid, "<initrd> and <cmdline> need a <kernel>"});
  }
  const std::pair<const char *, const std::string &> files[] = {
      {"-kernel", d.kernel}, {"-initrd", d.initrd}, {"-append", d.cmdline}, {"-dtb", d.dtb}};
  for (const auto &[option, value] : files) {
    if (!value.empty()) {
      b.args.Add(option, value);
    }
  }
  for (const std::string &table : d.acpi_tables) {
    b.args.Add("-acpitable", Keyval("file=" + table));
  }
  for (const auto &[name, file] : d.fw_cfg) {
    b.args.Add("-fw_cfg", Keyval("name=" + name).Set("file", file));
  }
}

}  // namespace svirt
