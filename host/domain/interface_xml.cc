// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads <interface>: its type and source, its model, its names and its address.
#include <string>
#include <utility>

#include "host/domain/device_xml.h"

namespace svirt {
namespace {

Status ReadVhostUser(const XmlElement &source, Interface *out) {
  SVIRT_TRY(source.OneOf("type", "unix", {"unix"}));
  SVIRT_ASSIGN(out->socket_path, source.Path("path"));
  SVIRT_ASSIGN(const std::string mode, source.OneOf("mode", "", {"server", "client"}));
  if (out->socket_path.empty() || mode.empty()) {
    return source.Fail(
        "a vhostuser interface needs <source type='unix' path='PATH' "
        "mode='client'/>, or mode='server' where the guest's side listens");
  }
  out->socket_server = mode == "server";
  return {};
}

Status ReadSource(const XmlElement &source, Interface *out) {
  if (out->type == "vhostuser") {
    return ReadVhostUser(source, out);
  }
  if (out->type == "vdpa") {
    SVIRT_ASSIGN(out->source, source.Path("dev"));
    return {};
  }
  for (const char *name : {"bridge", "network", "dev", "name"}) {
    if (out->source.empty()) {
      out->source = source.Attr(name);
    }
  }
  return {};
}

}  // namespace

Status ReadInterface(const XmlElement &element, Domain *domain) {
  Interface interface;
  interface.position = element.Position();
  interface.alias = ReadAlias(element);
  SVIRT_ASSIGN(interface.type, element.OneOf("type", "",
                                             {"user", "ethernet", "bridge", "network", "direct",
                                              "vhostuser", "vdpa", "hostdev", "internal", "server",
                                              "client", "mcast", "udp", "null", "vds"}));
  if (interface.type.empty()) {
    return element.Fail("an <interface> needs a type: user, bridge, network, ...");
  }
  if (interface.type == "hostdev") {
    HostDevice device;
    device.position = element.Position();
    SVIRT_TRY(ReadPciSource(element, &device));
    domain->hostdevs.push_back(std::move(device));
  } else if (const auto source = element.Child("source")) {
    SVIRT_TRY(ReadSource(*source, &interface));
  }
  if ((interface.type == "vdpa" && interface.source.empty()) ||
      (interface.type == "vhostuser" && interface.socket_path.empty())) {
    return element.Fail("an <interface type='" + interface.type +
                        "'> needs a <source> that names its device or socket");
  }
  if (const auto mac = element.Child("mac")) {
    interface.mac = mac->Attr("address");
  }
  if (const auto model = element.Child("model")) {
    interface.model = model->Attr("type");
  }
  if (const auto target = element.Child("target")) {
    interface.target = target->Attr("dev");
  }
  if (const auto driver = element.Child("driver")) {
    interface.driver = driver->Attr("name");
  }
  if (const auto backend = element.Child("backend")) {
    SVIRT_ASSIGN(interface.tap_path, backend->Path("tap"));
    SVIRT_ASSIGN(interface.vhost_path, backend->Path("vhost"));
  }
  SVIRT_ASSIGN(interface.rom_file, ReadRomFile(element));
  SVIRT_ASSIGN(interface.boot_order, ReadBootOrder(element));
  domain->interfaces.push_back(std::move(interface));
  return {};
}

}  // namespace svirt
