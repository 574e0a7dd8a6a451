// SPDX-License-Identifier: LGPL-2.1-or-later
// Graphics, video and input.
#include <map>
#include <string_view>

#include "host/domain/number.h"
#include "host/hypervisor/qemu/qemu_builder.h"
#include "host/util/text.h"

namespace svirt {
namespace {

using nlohmann::json;

constexpr int kFirstVncPort = 5900;

Status AddVnc(QemuBuilder &b, const Graphics &graphics) {
  if (!graphics.listens) {
    b.args.Add("-vnc", "none");
    return {};
  }
  if (!graphics.socket_path.empty()) {
    SVIRT_TRY(CheckSocketPath("graphics vnc", graphics.socket_path));
    b.args.Add("-vnc", Keyval("unix:" + graphics.socket_path));
    return {};
  }
  const std::string listen = graphics.listen.empty() ? "127.0.0.1" : graphics.listen;
  const std::string host = listen.find(':') != std::string::npos ? "[" + listen + "]" : listen;
  if (graphics.autoport || graphics.port == -1) {
    b.args.Add("-vnc", Keyval(host + ":0").Set("to", uint64_t{99}));
    return {};
  }
  if (graphics.port < kFirstVncPort || graphics.port > 65535) {
    return Error{Errc::kInvalid, "graphics vnc: the port has to be 5900 to 65535"};
  }
  b.args.Add("-vnc", Keyval(host + ":" + std::to_string(graphics.port - kFirstVncPort)));
  return {};
}

// What <model> says about the size of a card: memory is in KiB there.
struct VideoProperty {
  std::string_view driver, attribute;
  const char *property;
  uint64_t times = 1, divided_by = 1;
};
constexpr VideoProperty kVideoProperties[] = {
    {"VGA", "vram", "vgamem_mb", 1, 1024},
    {"bochs-display", "vram", "vgamem", 1024},
    {"qxl-vga", "ram", "ram_size", 1024},
    {"qxl-vga", "vram", "vram_size", 1024},
    {"qxl-vga", "vram64", "vram64_size_mb", 1, 1024},
    {"qxl-vga", "vgamem", "vgamem_mb", 1, 1024},
    {"qxl-vga", "heads", "max_outputs"},
    {"virtio-", "heads", "max_outputs"},
};
constexpr uint64_t kMostVideo = uint64_t{1} << 22;  // 4 GiB

Status SetVideoProperties(const boost::property_tree::ptree &video, json *device) {
  const auto driver = (*device)["driver"].get<std::string>();
  for (const VideoProperty &each : kVideoProperties) {
    const std::string attribute(each.attribute);
    const auto text = video.get<std::string>("model.<xmlattr>." + attribute, "");
    if (text.empty() || !driver.starts_with(each.driver)) {
      continue;
    }
    const Result<uint64_t> number = ParseUnsigned(text, kMostVideo);
    if (!number || *number == 0) {
      return Error{Errc::kInvalid, "video: " + attribute + "='" + Printable(text) +
                                       "' is no number from 1 to " + std::to_string(kMostVideo)};
    }
    (*device)[each.property] = (*number * each.times + each.divided_by - 1) / each.divided_by;
  }
  return {};
}

Status AddVideo(QemuBuilder &b) {
  static const std::map<std::string, std::string> kDrivers = {
      {"vga", "VGA"},     {"cirrus", "cirrus-vga"}, {"qxl", "qxl-vga"}, {"bochs", "bochs-display"},
      {"ramfb", "ramfb"},
  };
  const auto videos = b.XmlDevices("video");
  if (videos.size() > 1) {
    return Unsupported("video", "this driver gives a domain one video device");
  }
  for (const auto *video : videos) {
    const auto model = video->get<std::string>("model.<xmlattr>.type", "");
    std::string driver;
    if (model == "none") {
      continue;
    }
    if (model == "virtio") {
      driver = b.is_x86() && !b.is_microvm() ? "virtio-vga" : b.Virtio("virtio-gpu");
    } else if (const auto it = kDrivers.find(model); it != kDrivers.end()) {
      driver = it->second;
    } else {
      return Unsupported("video", "this driver does not know model '" + model + "'");
    }
    json card = {{"driver", driver}, {"id", "video0"}};
    SVIRT_TRY(SetVideoProperties(*video, &card));
    b.args.Add("-device", card);
  }
  if (videos.empty() && !b.domain.graphics.empty() && (b.is_pc() || b.is_q35())) {
    b.args.Add("-device", json{{"driver", "VGA"}, {"id", "video0"}});
  }
  return {};
}

Status AddInput(QemuBuilder &b, const Input &input, const std::string &id) {
  const std::string what = "input " + input.type;
  if (input.type == "evdev") {
    b.args.Add("-object", json{{"qom-type", "input-linux"}, {"id", id}, {"evdev", input.path}});
    return {};
  }
  if (input.type == "passthrough") {
    b.args.Add("-device",
               json{{"driver", b.Virtio("virtio-input-host")}, {"id", id}, {"evdev", input.path}});
    return {};
  }
  if (input.type != "mouse" && input.type != "keyboard" && input.type != "tablet") {
    return Unsupported(what, "this driver does not know it");
  }
  std::string bus = input.bus;
  if (bus.empty()) {
    bus = input.type == "tablet" || !b.is_x86() ? "usb" : "ps2";
  }
  if (bus == "ps2" && input.type != "tablet" && (b.is_pc() || b.is_q35())) {
    return {};  // part of the machine
  }
  if (bus == "virtio") {
    b.args.Add("-device", json{{"driver", b.Virtio("virtio-" + input.type)}, {"id", id}});
  } else if (bus == "usb") {
    b.NeedUsb();
    const std::string driver = input.type == "keyboard" ? "usb-kbd" : "usb-" + input.type;
    b.args.Add("-device", json{{"driver", driver}, {"id", id}, {"bus", "usb0.0"}});
  } else {
    return Unsupported(what, "there is none on bus '" + bus + "' of machine " + b.machine());
  }
  return {};
}

}  // namespace

void AddDisplay(QemuBuilder &b) {
  b.args.Add("-display", "none");
  for (const Graphics &graphics : b.domain.graphics) {
    if (graphics.type != "vnc") {
      b.Check(graphics.position,
              Unsupported("graphics '" + graphics.type + "'", "this driver knows vnc only"));
    } else {
      b.Check(graphics.position, AddVnc(b, graphics));
    }
  }
  b.Check("devices/video", AddVideo(b));
  unsigned number = 0;
  for (const Input &input : b.domain.inputs) {
    b.Check(input.position, AddInput(b, input, "input" + std::to_string(number++)));
  }
}

}  // namespace svirt
