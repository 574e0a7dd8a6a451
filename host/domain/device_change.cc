// SPDX-License-Identifier: LGPL-2.1-or-later
// Changes the document of a domain and reads it again, so that a change obeys all rules.
#include "host/domain/device_change.h"

#include <algorithm>
#include <boost/property_tree/ptree.hpp>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "host/domain/device_elements.h"
#include "host/domain/device_match.h"
#include "host/domain/device_names.h"
#include "host/domain/domain_xml.h"
#include "host/domain/xml_element.h"
#include "host/domain/xml_reader.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;

constexpr std::string_view kDetachable[] = {"disk",    "interface", "serial", "parallel",
                                            "console", "channel",   "memory", "hostdev"};

// The one element of the text, by its name.
Result<std::pair<std::string, ptree>> ReadDevice(std::string_view xml, std::string_view file) {
  ptree tree;
  XmlSource source;
  SVIRT_TRY(ReadXml(xml, file, &tree, &source));
  for (const auto &[name, node] : tree) {
    if (IsElementKey(name)) {
      return std::pair(name, node);
    }
  }
  return Error{Errc::kInvalid, std::string(file) + ":1: there is no device in it"};
}

// As if it had been defined that way, so that all rules for definitions hold.
Result<Domain> Reread(const Domain &domain, const ptree &document, std::string_view file) {
  Domain changed = domain;
  changed.document = document;
  const std::string place = std::string(file) + " in domain '" + domain.name + "'";
  auto read = ParseDomainXml(FormatDomainXml(changed, true), place);
  if (!read.ok()) {
    // The line is one of a text that nobody has seen.
    Error error = std::move(read).error();
    if (const size_t end = error.message.find_first_not_of("0123456789", place.size() + 1);
        error.message.starts_with(place + ":") && end != std::string::npos) {
      error.message.erase(place.size(), end - place.size());
    }
    return error;
  }
  read->lines.clear();
  read->uuid = domain.uuid;
  read->emulator = domain.emulator;
  read->writable_backing = domain.writable_backing;
  return read;
}

// The document with the device as its last; without any other if it is to be alone.
Result<Domain> Added(const Domain &domain, const std::pair<std::string, ptree> &device, bool alone,
                     std::string_view file) {
  ptree document = domain.document;
  const auto root = document.find("domain");
  if (root == document.not_found()) {
    return Error{Errc::kInternal, "the document of domain '" + domain.name + "' has no <domain>"};
  }
  if (alone) {
    root->second.erase("devices");
  }
  auto last = root->second.rbegin();
  while (last != root->second.rend() && last->first != "devices") {
    ++last;
  }
  ptree &devices =
      last == root->second.rend() ? root->second.add_child("devices", ptree()) : last->second;
  devices.add_child(device.first, device.second);
  return Reread(domain, document, file);
}

// Which of the domain's devices of that kind is meant.
Result<size_t> FindDevice(const Domain &domain, const std::pair<std::string, ptree> &device,
                          std::string_view file) {
  const auto &[element, node] = device;
  Domain wanted;
  if (element != "disk") {  // its target says all
    SVIRT_ASSIGN(wanted, Added(domain, device, true, file));
  }
  const std::vector<size_t> found = MatchDevices(domain, wanted, element, node);
  if (found.size() == 1 || (element == "disk" && !found.empty())) {
    return found.front();
  }
  const std::string subject = std::string(file) + ": domain '" + domain.name + "' has ";
  if (found.empty()) {
    return Error{Errc::kNotFound, subject + "no such <" + element + ">; 'svirt dumpxml " +
                                      domain.name + "' shows what it has"};
  }
  std::string names;
  for (const size_t i : found) {
    const std::string &alias = element == "interface" ? domain.interfaces[i].alias
                               : element == "memory"  ? domain.memory_devices[i].alias
                               : element == "hostdev" ? domain.hostdevs[i].alias
                                                      : domain.chardevs[i].alias;
    names += (names.empty() ? "<alias name='" : " or <alias name='") + alias + "'/>";
  }
  return Error{Errc::kInvalid, subject + std::to_string(found.size()) + " such <" + element +
                                   ">: say which one with " + names};
}

}  // namespace

Result<Domain> WithDevice(const Domain &domain, std::string_view xml, std::string_view file) {
  SVIRT_ASSIGN(const auto device, ReadDevice(xml, file));
  Domain pinned = domain;
  PinDevices(&pinned);
  SVIRT_ASSIGN(Domain changed, Added(pinned, device, false, file));
  PinDevices(&changed);
  const auto alias = device.second.get<std::string>("alias.<xmlattr>.name", "");
  if (alias.starts_with("ua-") && HasAlias(pinned, alias)) {
    return Error{Errc::kExists,
                 "domain '" + domain.name + "' has a device with alias " + alias + " already"};
  }
  if (const std::string same = FindDuplicate(changed, device.first); !same.empty()) {
    return Error{Errc::kExists, "domain '" + domain.name + "' has " + same + " already"};
  }
  return changed;
}

Result<Domain> WithoutDevice(const Domain &domain, std::string_view xml, std::string_view file) {
  SVIRT_ASSIGN(const auto device, ReadDevice(xml, file));
  const std::string &element = device.first;
  if (std::ranges::find(kDetachable, element) == std::end(kDetachable)) {
    return Error{Errc::kUnsupported, std::string(file) + ": a <" + element +
                                         "> cannot be detached from a running domain; disks, "
                                         "interfaces, character devices, memory and hostdevs can"};
  }
  Domain pinned = domain;
  PinDevices(&pinned);
  SVIRT_ASSIGN(const size_t place, FindDevice(pinned, device, file));
  ptree document = pinned.document;
  const DeviceElements elements = FindDeviceElements(&document, element);
  elements.at(place).parent->erase(elements.at(place).place);
  return Reread(pinned, document, file);
}

}  // namespace svirt
