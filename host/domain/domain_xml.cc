// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads name, uuid, type and seclabels, notes what nobody has read, and writes a domain's XML.
#include "host/domain/domain_xml.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "host/domain/domain_part_xml.h"
#include "host/domain/seclabel_xml.h"
#include "host/domain/uuid.h"
#include "host/domain/xml_element.h"
#include "host/domain/xml_reader.h"
#include "host/domain/xml_writer.h"
#include "host/util/text.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;

constexpr size_t kMaxName = 255;  // a name is part of file names

Result<std::string> ReadName(const XmlElement &domain) {
  const std::optional<XmlElement> element = domain.Child("name");
  if (!element) {
    return domain.Fail("the domain has no <name>");
  }
  std::string name = element->Text();
  if (name.empty()) {
    return element->Fail("the name of a domain must not be empty");
  }
  if (name.size() > kMaxName) {
    return element->Fail("the name of the domain has " + std::to_string(name.size()) +
                         " bytes; the most is " + std::to_string(kMaxName));
  }
  if (name == "." || name == "..") {
    return element->Fail("the name of a domain must not be '.' or '..'");
  }
  if (name.find('/') != std::string::npos) {
    return element->Fail("the name '" + name + "' contains '/', which a name must not");
  }
  if (HasControlCharacters(name)) {
    return element->Fail(
        "the name of the domain contains a control character (a newline, a tab), "
        "which a name must not");
  }
  return name;
}

Result<std::string> ReadUuid(const XmlElement &domain) {
  const std::optional<XmlElement> element = domain.Child("uuid");
  if (!element) {
    return NewUuid();
  }
  Result<std::string> uuid = ParseUuid(element->Text());
  if (!uuid) {
    return element->Fail("<uuid>", uuid.error());
  }
  return uuid;
}

// The virt type. The set is open: hypervisors that libvirt does not know come with types of theirs.
Result<std::string> ReadType(const XmlElement &domain) {
  std::string type = domain.Attr("type");
  if (type.empty()) {
    return domain.Fail(
        "missing domain type attribute: write <domain type='kvm'>, or qemu, or what else the "
        "host's hypervisor is called");
  }
  const bool legal = type.size() <= 32 && std::all_of(type.begin(), type.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                     });
  if (!legal) {
    return domain.Fail(
        "the type of a domain consists of at most 32 small letters, digits and "
        "hyphens");
  }
  return type;
}

Result<XmlElement> FindRoot(ptree *tree, XmlContext *context) {
  for (auto &[name, node] : *tree) {
    if (IsElementKey(name)) {
      XmlElement root(name, &node, context);
      if (name != "domain") {
        return root.Fail("the document is a <" + name + ">, not a <domain>");
      }
      return root;
    }
  }
  return Error{Errc::kInvalid, context->source.file + ":1: the document has no element"};
}

// Paths of elements that nobody has read: the outermost, each path once.
void CollectUnknown(const XmlElement &element, const std::string &prefix,
                    const std::vector<const ptree *> &seen, std::vector<std::string> *unknown) {
  for (const XmlElement &child : element.All()) {
    const std::string path = prefix + child.name();
    if (std::binary_search(seen.begin(), seen.end(), &child.node(), std::less<>())) {
      CollectUnknown(child, path + "/", seen, unknown);
    } else if (std::find(unknown->begin(), unknown->end(), path) == unknown->end()) {
      unknown->push_back(path);
    }
  }
}

Status ReadDomain(std::string_view text, std::string_view file, Domain *domain) {
  XmlContext context;
  SVIRT_TRY(ReadXml(text, file, &domain->document, &context.source));
  SVIRT_ASSIGN(const XmlElement root, FindRoot(&domain->document, &context));
  SVIRT_ASSIGN(domain->type, ReadType(root));
  SVIRT_ASSIGN(domain->name, ReadName(root));
  SVIRT_ASSIGN(domain->uuid, ReadUuid(root));
  // First, because a device may make an exception only from a label that the domain has.
  SVIRT_ASSIGN(domain->seclabels, ReadSecLabels(root));
  SVIRT_TRY(ReadDomainParts(root, domain));
  std::sort(context.seen.begin(), context.seen.end(), std::less<>());
  CollectUnknown(root, "", context.seen, &domain->unknown);
  domain->file = std::move(context.source.file);
  domain->lines = std::move(context.source.lines);
  return {};
}

// Sets the text of the first element of that name; makes it in front of place if there is none.
void SetText(ptree *domain, const char *name, const std::string &text, ptree::iterator place) {
  const auto found = std::find_if(domain->begin(), domain->end(),
                                  [&](const auto &child) { return child.first == name; });
  ptree &node =
      found != domain->end() ? found->second : domain->insert(place, {name, ptree()})->second;
  if (XmlText(node) != text) {
    node.erase(kXmlText);
    node.data() = text;
  }
}

}  // namespace

Result<Domain> ParseDomainXml(std::string_view text, std::string_view file) {
  // Filled where it will be returned from: moving a Domain copies its tree.
  Result<Domain> result{Domain()};
  if (Status status = ReadDomain(text, file, &result.value()); !status.ok()) {
    return std::move(status).error();
  }
  return result;
}

std::string FormatDomainXml(const Domain &domain, bool inactive) {
  ptree document = domain.document;
  const auto root = std::find_if(document.begin(), document.end(),
                                 [](const auto &child) { return child.first == "domain"; });
  if (root == document.end()) {
    return WriteXml(document);
  }
  ptree &element = root->second;
  const auto first = std::find_if(element.begin(), element.end(),
                                  [](const auto &child) { return child.first != kXmlAttributes; });
  SetText(&element, "name", domain.name, first);
  const auto name = std::find_if(element.begin(), element.end(),
                                 [](const auto &child) { return child.first == "name"; });
  SetText(&element, "uuid", domain.uuid, std::next(name));
  WriteSecLabels(domain.seclabels, inactive, &element);
  return WriteXml(document);
}

}  // namespace svirt
