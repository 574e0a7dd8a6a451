// SPDX-License-Identifier: LGPL-2.1-or-later
// Character devices: their backends, and the ports that the guest sees.
#include <utility>

#include "host/hypervisor/qemu/qemu_builder.h"

namespace svirt {
namespace {

using nlohmann::json;

// A backend as the command line has it, and its type and data as QMP has them: two notations for
// one thing, each with words of its own.
struct Backend {
  Keyval keys;
  const char *type;
  json data = json::object();
};

// A socket that is connected to, or waited at without keeping the guest from running.
Backend SocketBackend(Keyval keys, json address, bool listen) {
  Backend backend{std::move(keys), "socket", {{"addr", std::move(address)}, {"server", listen}}};
  if (listen) {
    backend.keys.Set("server", true).Set("wait", false);
    backend.data["wait"] = false;
  }
  return backend;
}

json InetAddress(const std::string &host, const std::string &port) {
  return {{"type", "inet"}, {"data", {{"host", host}, {"port", port}}}};
}

// Sends to one place and receives at another, or at a port that the kernel chooses.
Backend UdpBackend(Keyval keys, const CharSource &source, const std::string &host) {
  Backend backend{std::move(keys), "udp", {{"remote", InetAddress(host, source.service)}}};
  backend.keys.Set("host", host).Set("port", source.service);
  if (!source.bind_host.empty() || !source.bind_service.empty()) {
    const std::string port = source.bind_service.empty() ? "0" : source.bind_service;
    backend.keys.Set("localaddr", source.bind_host).Set("localport", port);
    backend.data["local"] = InetAddress(source.bind_host, port);
  }
  return backend;
}

Result<Backend> MakeBackend(const std::string &what, const std::string &id,
                            const CharSource &source) {
  using Type = CharSource::Type;
  const auto keys = [&](const char *type) { return Keyval(type).Set("id", id); };
  const std::string host = source.host.empty() ? "127.0.0.1" : source.host;
  const bool has_address = source.type == Type::kTcp || source.type == Type::kUdp;
  if (has_address && source.service.empty()) {
    return Error{Errc::kInvalid, what + ": the <source> has no service (port)"};
  }
  const bool has_path =
      source.type == Type::kDev || source.type == Type::kPipe || source.type == Type::kFile;
  if (has_path && source.path.empty()) {
    return Error{Errc::kInvalid, what + ": the <source> has no path"};
  }
  switch (source.type) {
    case Type::kNull:
      return Backend{keys("null"), "null"};
    case Type::kVc:
      return Backend{keys("vc"), "vc"};
    case Type::kStdio:
      return Backend{keys("stdio").Set("signal", false), "stdio", {{"signal", false}}};
    case Type::kPty:
      return Backend{keys("pty"), "pty"};
    case Type::kDev: {
      const char *type = what.starts_with("parallel") ? "parallel" : "serial";
      return Backend{keys(type).Set("path", source.path), type, {{"device", source.path}}};
    }
    case Type::kPipe:
      return Backend{keys("pipe").Set("path", source.path), "pipe", {{"device", source.path}}};
    case Type::kFile:
      return Backend{keys("file").Set("path", source.path).Set("append", source.append),
                     "file",
                     {{"out", source.path}, {"append", source.append}}};
    case Type::kUnix:
      SVIRT_TRY(CheckSocketPath(what, source.path));
      return SocketBackend(keys("socket").Set("path", source.path),
                           {{"type", "unix"}, {"data", {{"path", source.path}}}}, source.listen);
    case Type::kTcp:
      return SocketBackend(keys("socket").Set("host", host).Set("port", source.service),
                           InetAddress(host, source.service), source.listen);
    case Type::kUdp:
      return UdpBackend(keys("udp"), source, host);
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
    const std::string &id = device.alias;
    SVIRT_TRY(AddChardev(b_, "serial port " + id, id, device.source));
    const std::string &type = device.target_type;
    if (type == "pci-serial" || type == "usb-serial" || type == "pci" || type == "usb") {
      json port = {{"id", id + "-port"}, {"chardev", id}};
      if (type.starts_with("usb")) {
        b_.NeedUsb();
        port["driver"] = "usb-serial";
        b_.args.Add("-device", port);
      } else {
        port["driver"] = "pci-serial";
        b_.AddPluggable(port);
      }
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
    const std::string &id = device.alias;
    SVIRT_TRY(AddChardev(b_, "parallel port " + id, id, device.source));
    b_.args.Add("-parallel", "chardev:" + id);
    return {};
  }

  Status AddConsole(const Chardev &device) {
    const bool first = !std::exchange(console_, true);
    const std::string &id = device.alias;
    if (device.target_type.empty() || device.target_type == "serial") {
      if (!first) {
        return Unsupported(id,
                           "only the first console can be the serial port; use target type "
                           "virtio");
      }
      // The first console is another name of the first serial port, as in libvirt.
      return device.serial_alias ? Status() : AddSerial(device);
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
    const std::string &id = device.alias;
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
  unsigned builtin_serials_ = 0;
  bool console_ = false;
};

}  // namespace

Status AddChardev(QemuBuilder &b, const std::string &what, const std::string &id,
                  const CharSource &source) {
  SVIRT_ASSIGN(Backend backend, MakeBackend(what, id, source));
  if (!source.log_path.empty()) {
    backend.keys.Set("logfile", source.log_path).Set("logappend", source.log_append);
    backend.data["logfile"] = source.log_path;
    backend.data["logappend"] = source.log_append;
  }
  b.args.Add("-chardev", backend.keys,
             json{{"id", id}, {"backend", {{"type", backend.type}, {"data", backend.data}}}});
  return {};
}

void AddChardevs(QemuBuilder &b) {
  ChardevBuilder builder(b);
  for (const Chardev &device : b.domain.chardevs) {
    b.Check(device.position, builder.Add(device));
  }
}

}  // namespace svirt
