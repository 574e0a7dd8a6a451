// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads <graphics>, <video> and <input>.
#include <string>
#include <utility>

#include "host/domain/device_xml.h"

namespace svirt {
namespace {

Status ReadPort(const XmlElement &element, Graphics *out) {
  const std::string port = element.Attr("port");
  if (!port.empty() && port != "-1") {
    SVIRT_ASSIGN(const unsigned number, element.Unsigned("port", 0, 65535));
    out->port = static_cast<int>(number);
  }
  SVIRT_ASSIGN(out->autoport, element.Bool("autoport", out->port <= 0));
  return {};
}

}  // namespace

Status ReadGraphics(const XmlElement &element, Domain *domain) {
  Graphics graphics;
  graphics.position = element.Position();
  SVIRT_ASSIGN(
      graphics.type,
      element.OneOf("type", "", {"vnc", "spice", "sdl", "rdp", "desktop", "egl-headless", "dbus"}));
  if (graphics.type.empty()) {
    return element.Fail("a <graphics> needs a type: vnc, spice, sdl, egl-headless, dbus, ...");
  }
  SVIRT_TRY(ReadPort(element, &graphics));
  graphics.listen = element.Attr("listen");
  SVIRT_ASSIGN(graphics.socket_path, element.Path("socket"));
  SVIRT_ASSIGN(graphics.xauth, element.Path("xauth"));
  for (const XmlElement &listen : element.Children("listen")) {
    SVIRT_ASSIGN(const std::string type,
                 listen.OneOf("type", "address", {"none", "address", "network", "socket"}));
    if (type == "socket") {
      SVIRT_ASSIGN(graphics.socket_path, listen.Path("socket"));
    } else if (type == "address") {
      graphics.listen = listen.Attr("address");
    } else if (type == "none") {
      graphics.listens = false;
    }
  }
  if (const auto gl = element.Child("gl")) {
    SVIRT_ASSIGN(graphics.render_node, gl->Path("rendernode"));
  }
  domain->graphics.push_back(std::move(graphics));
  return {};
}

Status ReadVideo(const XmlElement &element, Domain *domain) {
  const std::optional<XmlElement> model = element.Child("model");
  const std::optional<XmlElement> acceleration =
      model ? model->Child("acceleration") : std::nullopt;
  if (!acceleration) {
    return {};
  }
  SVIRT_ASSIGN(std::string node, acceleration->Path("rendernode"));
  if (!node.empty()) {
    domain->positions.try_emplace("video", element.Position());
    domain->render_nodes.push_back(std::move(node));
  }
  return {};
}

Status ReadInput(const XmlElement &element, Domain *domain) {
  Input input;
  input.position = element.Position();
  input.type = element.Attr("type");
  input.bus = element.Attr("bus");
  const bool evdev = input.type == "evdev";
  if (evdev || input.type == "passthrough") {
    if (const auto source = element.Child("source")) {
      SVIRT_ASSIGN(input.path, source->Path(evdev ? "dev" : "evdev"));
    }
    if (input.path.empty()) {
      return element.Fail("an <input type='" + input.type + "'> needs <source " +
                          (evdev ? "dev" : "evdev") + "='/dev/input/eventN'/>");
    }
  }
  domain->inputs.push_back(std::move(input));
  return {};
}

}  // namespace svirt
