// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/domain/device_change.h"

#include <boost/property_tree/ptree.hpp>
#include <string>
#include <utility>

#include "host/domain/domain_xml.h"
#include "host/domain/xml_element.h"
#include "host/domain/xml_reader.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;

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

std::string TargetOf(const ptree &device) {
  return device.get<std::string>("target.<xmlattr>.dev", "");
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
  read->uuid = domain.uuid;
  read->emulator = domain.emulator;
  read->writable_backing = domain.writable_backing;
  return read;
}

}  // namespace

Result<Domain> WithDevice(const Domain &domain, std::string_view xml, std::string_view file) {
  SVIRT_ASSIGN(auto device, ReadDevice(xml, file));
  ptree document = domain.document;
  const std::string target = TargetOf(device.second);
  for (const Disk &disk : domain.disks) {
    if (device.first == "disk" && disk.target == target) {
      return Error{Errc::kExists, "domain '" + domain.name + "' has a disk " + target + " already"};
    }
  }
  const auto root = document.find("domain");
  if (root == document.not_found()) {
    return Error{Errc::kInternal, "the document of domain '" + domain.name + "' has no <domain>"};
  }
  if (!root->second.get_child_optional("devices")) {
    root->second.add_child("devices", ptree());
  }
  root->second.get_child("devices").add_child(device.first, device.second);
  return Reread(domain, document, file);
}

Result<Domain> WithoutDevice(const Domain &domain, std::string_view xml, std::string_view file) {
  SVIRT_ASSIGN(const auto device, ReadDevice(xml, file));
  if (device.first != "disk") {
    return Error{Errc::kUnsupported, std::string(file) + ": a <" + device.first +
                                         "> cannot be detached from a running domain; only disks "
                                         "can"};
  }
  const std::string target = TargetOf(device.second);
  ptree document = domain.document;
  const auto root = document.find("domain");
  const auto devices =
      root == document.not_found() ? boost::none : root->second.get_child_optional("devices");
  if (devices) {
    for (auto it = devices->begin(); it != devices->end(); ++it) {
      if (it->first == "disk" && !target.empty() && TargetOf(it->second) == target) {
        devices->erase(it);
        return Reread(domain, document, file);
      }
    }
  }
  return Error{Errc::kNotFound, "domain '" + domain.name + "' has no disk '" + target + "'"};
}

}  // namespace svirt
