// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/qemu/qemu_builder.h"

namespace svirt {
namespace {

using nlohmann::json;

// The backend with its own keys; the id is added by the caller.
Result<Keyval> Backend(const std::string &what, const std::string &id, const CharSource &source) {
  using Type = CharSource::Type;
  const auto with_path = [&](const char *backend) -> Result<Keyval> {
    if (source.path.empty()) {
      return Error{Errc::kInvalid, what + ": the <source> has no path"};
    }
    return Keyval(backend).Set("id", id).Set("path", source.path);
  };
  const auto address = [&](const char *backend) -> Result<Keyval> {
    if (source.service.empty()) {
      return Error{Errc::kInvalid, what + ": the <source> has no service (port)"};
    }
    return Keyval(backend)
        .Set("id", id)
        .Set("host", source.host.empty() ? "127.0.0.1" : source.host)
        .Set("port", source.service);
  };
  switch (source.type) {
    case Type::kNull:
      return Keyval("null").Set("id", id);
    case Type::kVc:
      return Keyval("vc").Set("id", id);
    case Type::kStdio:
      return Keyval("stdio").Set("id", id).Set("signal", false);
    case Type::kPty:
      return Keyval("pty").Set("id", id);
    case Type::kDev:
      return with_path(what.starts_with("parallel") ? "parallel" : "serial");
    case Type::kPipe:
      return with_path("pipe");
    case Type::kFile: {
      SVIRT_ASSIGN(Keyval file, with_path("file"));
      return file.Set("append", source.append);
    }
    case Type::kUnix: {
      SVIRT_TRY(CheckSocketPath(what, source.path));
      SVIRT_ASSIGN(Keyval socket, with_path("socket"));
      return source.listen ? socket.Set("server", true).Set("wait", false) : socket;
    }
    case Type::kTcp: {
      SVIRT_ASSIGN(Keyval socket, address("socket"));
      return source.listen ? socket.Set("server", true).Set("wait", false) : socket;
    }
    case Type::kUdp:
      return address("udp");
    case Type::kNone:
    case Type::kSpicevmc:
    case Type::kOther:
      break;
  }
  return Unsupported(what, "this driver does not know the type of its <source>");
}

class ChardevBuilder {
 public:
  explicit ChardevBuilder(QemuBuilder &b) : b_(b) {}

  Status Add(const Chardev &device) {
    if (device.kind == "serial") {
      return AddSerial(device);
    }
    if (device.kind == "parallel") {
      return AddParallel(device);
    }
    if (device.kind == "console") {
      return AddConsole(device);
    }
    if (device.kind == "channel") {
      return AddChannel(device);
    }
    return Unsupported("character device '" + device.kind + "'", "this driver does not know it");
  }

 private:
  // The ports of the board itself: QEMU numbers them in the order of the options.
  Status AddSerial(const Chardev &device) {
    const std::string id = "serial" + std::to_string(serials_++);
    SVIRT_TRY(AddChardev(b_, "serial port " + id, id, device.source));
    const std::string &type = device.target_type;
    if (type == "pci-serial" || type == "usb-serial" || type == "pci" || type == "usb") {
      const bool usb = type.starts_with("usb");
      if (usb) {
        b_.NeedUsb();
      }
      b_.args.Add("-device", json{{"driver", usb ? "usb-serial" : "pci-serial"},
                                  {"id", id + "-port"},
                                  {"chardev", id}});
      return {};
    }
    const bool builtin = type.empty() || type == "serial" || type == "isa" ||
                         type == "isa-serial" || type == "system" || type == "system-serial";
    if (!builtin) {
      return Unsupported("serial port " + id, "this driver does not know type '" + type + "'");
    }
    const unsigned ports = b_.is_pc() || b_.is_q35() ? 4 : 1;
    if (builtin_serials_++ >= ports) {
      return Unsupported("serial port " + id, "machine " + b_.machine() + " has " +
                                                  std::to_string(ports) +
                                                  " of its own; use target type pci-serial");
    }
    b_.args.Add("-serial", "chardev:" + id);
    return {};
  }

  Status AddParallel(const Chardev &device) {
    const std::string id = "parallel" + std::to_string(parallels_++);
    SVIRT_TRY(AddChardev(b_, "parallel port " + id, id, device.source));
    b_.args.Add("-parallel", "chardev:" + id);
    return {};
  }

  Status AddConsole(const Chardev &device) {
    const unsigned number = consoles_++;
    const std::string id = "console" + std::to_string(number);
    if (device.target_type.empty() || device.target_type == "serial") {
      if (number > 0) {
        return Unsupported(id,
                           "only the first console can be the serial port; use target type "
                           "virtio");
      }
      // The first console is another name of the first serial port, as in libvirt.
      const auto &all = b_.domain.chardevs;
      const bool has_serial =
          std::any_of(all.begin(), all.end(), [](const Chardev &c) { return c.kind == "serial"; });
      return has_serial ? Status() : AddSerial(device);
    }
    if (device.target_type != "virtio") {
      return Unsupported(id, "this driver does not know target type '" + device.target_type + "'");
    }
    SVIRT_TRY(AddChardev(b_, id, id, device.source));
    b_.NeedVirtioSerial();
    b_.args.Add("-device", json{{"driver", "virtconsole"},
                                {"id", id + "-port"},
                                {"bus", "virtio-serial0.0"},
                                {"chardev", id}});
    return {};
  }

  Status AddChannel(const Chardev &device) {
    const std::string id = "channel" + std::to_string(channels_++);
    const std::string what = "channel " + device.target_name;
    if (device.target_type != "virtio") {
      return Unsupported(
          what, "this driver knows target type virtio only, not '" + device.target_type + "'");
    }
    CharSource source = device.source;
    if (source.type == CharSource::Type::kUnix && source.listen && source.path.empty()) {
      source.path = id + ".sock";  // in the run directory, which is QEMU's working directory
    }
    SVIRT_TRY(AddChardev(b_, what, id, source));
    b_.NeedVirtioSerial();
    json port = {{"driver", "virtserialport"},
                 {"id", id + "-port"},
                 {"bus", "virtio-serial0.0"},
                 {"chardev", id}};
    if (!device.target_name.empty()) {
      port["name"] = device.target_name;
    }
    b_.args.Add("-device", port);
    return {};
  }

  QemuBuilder &b_;
  unsigned serials_ = 0, builtin_serials_ = 0, parallels_ = 0, consoles_ = 0, channels_ = 0;
};

}  // namespace

Status AddChardev(QemuBuilder &b, const std::string &what, const std::string &id,
                  const CharSource &source) {
  SVIRT_ASSIGN(Keyval backend, Backend(what, id, source));
  if (!source.log_path.empty()) {
    backend.Set("logfile", source.log_path).Set("logappend", true);
  }
  b.args.Add("-chardev", backend);
  return {};
}

Status AddChardevs(QemuBuilder &b) {
  ChardevBuilder builder(b);
  for (const Chardev &device : b.domain.chardevs) {
    SVIRT_TRY(builder.Add(device));
  }
  return {};
}

}  // namespace svirt
