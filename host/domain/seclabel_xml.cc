// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads <seclabel> by libvirt's grammar and with libvirt's sentences, and writes it back.
#include "host/domain/seclabel_xml.h"

#include <svirt/plugin.h>

#include <algorithm>
#include <iterator>

#include "host/util/text.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;

constexpr char kElement[] = "seclabel";

std::string_view TypeName(SecLabel::Type type) {
  switch (type) {
    case SecLabel::Type::kDynamic:
      return "dynamic";
    case SecLabel::Type::kStatic:
      return "static";
    case SecLabel::Type::kNone:
      return "none";
    case SecLabel::Type::kDefault:
      break;
  }
  return "";
}

// <label> or <baselabel>, "" if absent. libvirt takes a label that is too long for none at all; a
// domain must not be less confined for that.
Result<std::string> ReadLabelText(const XmlElement &seclabel, std::string_view name) {
  const std::optional<XmlElement> element = seclabel.Child(name);
  if (!element) {
    return std::string();
  }
  std::string text = element->Text();
  if (text.size() > SVIRT_LABEL_MAX) {
    return element->Fail("the security label in <" + std::string(name) + "> has " +
                         std::to_string(text.size()) + " bytes; the most is " +
                         std::to_string(SVIRT_LABEL_MAX));
  }
  if (HasControlCharacters(text)) {
    return element->Fail("the security label in <" + std::string(name) +
                         "> contains a control character; write it on one line without blanks "
                         "around it");
  }
  return text;
}

Result<std::string> ReadModel(const XmlElement &seclabel) {
  std::string model = seclabel.Attr("model");
  if (model.size() > SVIRT_MODEL_MAX || HasControlCharacters(model)) {
    return seclabel.Fail("the name of the security model has control characters or more than " +
                         std::to_string(SVIRT_MODEL_MAX) + " bytes");
  }
  return model;
}

Result<bool> ReadRelabel(const XmlElement &seclabel, bool fallback) {
  const std::string *value = seclabel.FindAttr("relabel");
  if (value == nullptr) {
    return fallback;
  }
  if (*value != "yes" && *value != "no") {
    return seclabel.Fail("invalid security relabel value " + Quoted(*value) + "; write yes or no");
  }
  return *value == "yes";
}

Result<SecLabel> ReadSecLabel(const XmlElement &element) {
  SecLabel label;
  SVIRT_ASSIGN(label.model, ReadModel(element));
  SVIRT_ASSIGN(const std::string type, element.OneOf("type", "", {"dynamic", "static", "none"}));
  if (type == "dynamic") {
    label.type = SecLabel::Type::kDynamic;
  } else if (type == "static") {
    label.type = SecLabel::Type::kStatic;
  } else if (type == "none") {
    label.type = SecLabel::Type::kNone;
  }
  const bool dynamic =
      label.type == SecLabel::Type::kDynamic || label.type == SecLabel::Type::kDefault;
  SVIRT_ASSIGN(label.relabel, ReadRelabel(element, dynamic));
  if (label.model == "none") {
    // How configurations of old said that there is no driver.
    label.type = SecLabel::Type::kNone;
    label.relabel = false;
    return label;
  }
  if (dynamic && !label.relabel) {
    return element.Fail("dynamic label type must use resource relabeling");
  }
  if (label.type == SecLabel::Type::kNone && label.relabel) {
    return element.Fail("resource relabeling is not compatible with 'none' label type");
  }
  if (label.type == SecLabel::Type::kStatic) {
    SVIRT_ASSIGN(label.label, ReadLabelText(element, "label"));
    if (label.label.empty()) {
      return element.Fail("security label is missing");
    }
  }
  if (dynamic) {
    SVIRT_ASSIGN(label.base_label, ReadLabelText(element, "baselabel"));
  }
  return label;
}

// What a definition does not have.
void EraseLiveParts(const SecLabel &label, ptree *element) {
  element->erase("imagelabel");
  if (label.type != SecLabel::Type::kStatic) {
    element->erase("label");
  }
}

bool SameDefinition(const SecLabel &a, const SecLabel &b) {
  const bool labelled = a.type == SecLabel::Type::kStatic;
  return a.type == b.type && a.model == b.model && a.relabel == b.relabel &&
         a.base_label == b.base_label && (!labelled || a.label == b.label);
}

// The element for a label, with what else stood in the old one behind it.
ptree MakeElement(const SecLabel &label, bool inactive, const ptree &old) {
  ptree attributes;
  const auto add = [](ptree *tree, const char *key, const std::string &value) {
    tree->push_back({key, ptree(value)});
  };
  if (label.type != SecLabel::Type::kDefault) {
    add(&attributes, "type", std::string(TypeName(label.type)));
  }
  if (!label.model.empty()) {
    add(&attributes, "model", label.model);
  }
  const bool none = label.type == SecLabel::Type::kNone;
  if (!none) {
    add(&attributes, "relabel", label.relabel ? "yes" : "no");
  }
  ptree element;
  if (const auto present = old.find(kXmlAttributes); present != old.not_found()) {
    for (const auto &[key, value] : present->second) {
      if (key != "type" && key != "model" && key != "relabel") {
        attributes.push_back({key, value});
      }
    }
  }
  if (!attributes.empty()) {
    element.push_back({kXmlAttributes, attributes});
  }
  const bool fixed = label.type == SecLabel::Type::kStatic;
  if (!none && !label.label.empty() && (fixed || !inactive)) {
    add(&element, "label", label.label);
  }
  if (!none && !label.image_label.empty() && label.relabel && !inactive) {
    add(&element, "imagelabel", label.image_label);
  }
  if (!none && !fixed && !label.base_label.empty()) {
    add(&element, "baselabel", label.base_label);
  }
  for (const auto &[key, child] : old) {
    if (key != kXmlAttributes && key != kXmlText && key != "label" && key != "imagelabel" &&
        key != "baselabel") {
      element.push_back({key, child});
    }
  }
  return element;
}

// libvirt's place for a domain's first <seclabel>: behind <devices>.
ptree::iterator NewPlace(ptree *domain) {
  for (auto it = domain->begin(); it != domain->end(); ++it) {
    if (it->first == "devices") {
      return std::next(it);
    }
  }
  return domain->end();
}

}  // namespace

Result<std::vector<SecLabel>> ReadSecLabels(const XmlElement &domain) {
  const std::vector<XmlElement> elements = domain.Children(kElement);
  std::vector<SecLabel> labels;
  for (const XmlElement &element : elements) {
    SVIRT_ASSIGN(SecLabel label, ReadSecLabel(element));
    if (label.model.empty() && elements.size() > 1) {
      return element.Fail("missing security model when using multiple labels");
    }
    // The primary model is meant where none is named, but a label has a meaning in one model only.
    if (label.model.empty() && !(label.label.empty() && label.base_label.empty())) {
      return element.Fail("missing security model in domain seclabel");
    }
    const auto same = [&](const SecLabel &other) { return other.model == label.model; };
    if (std::any_of(labels.begin(), labels.end(), same)) {
      return element.Fail("seclabel for model " + label.model + " is already provided");
    }
    EraseLiveParts(label, &element.node());
    labels.push_back(std::move(label));
  }
  return labels;
}

Result<std::vector<DeviceSecLabel>> ReadDeviceSecLabels(
    const XmlElement &source, const std::vector<SecLabel> &domain_labels) {
  std::vector<DeviceSecLabel> labels;
  std::vector<const ptree *> skipped;
  for (const XmlElement &element : source.Children(kElement)) {
    DeviceSecLabel label;
    SVIRT_ASSIGN(label.model, ReadModel(element));
    SVIRT_ASSIGN(const bool labelskip, element.Bool("labelskip", false));
    if (labelskip) {
      skipped.push_back(&element.node());
      continue;
    }
    SVIRT_ASSIGN(label.relabel, ReadRelabel(element, true));
    SVIRT_ASSIGN(label.label, ReadLabelText(element, "label"));
    const auto same = [&](const DeviceSecLabel &other) { return other.model == label.model; };
    if (std::any_of(labels.begin(), labels.end(), same)) {
      return element.Fail("seclabel for model " +
                          (label.model.empty() ? "(every model)" : label.model) +
                          " is already provided");
    }
    if (!label.relabel && !label.label.empty()) {
      return element.Fail("Cannot specify a label if relabelling is turned off. model=" +
                          label.model);
    }
    if (label.relabel && label.label.empty()) {
      return element.Fail(
          "security label is missing: a device seclabel that relabels needs a "
          "<label>; write one, or relabel='no'");
    }
    bool concerns = false;
    bool relabels = false;
    for (const SecLabel &domain_label : domain_labels) {
      if (label.model.empty() || label.model == domain_label.model) {
        concerns = true;
        relabels = relabels || domain_label.relabel;
      }
    }
    if (concerns && !relabels) {
      return element.Fail("label overrides require relabeling to be enabled at the domain level");
    }
    labels.push_back(std::move(label));
  }
  for (auto it = source.node().begin(); it != source.node().end();) {
    const bool skip = std::find(skipped.begin(), skipped.end(), &it->second) != skipped.end();
    it = skip ? source.node().erase(it) : std::next(it);
  }
  return labels;
}

void WriteSecLabels(const std::vector<SecLabel> &labels, bool inactive, ptree *domain) {
  auto place = NewPlace(domain);
  auto next = domain->begin();
  const auto find_next = [&] {
    while (next != domain->end() && next->first != kElement) {
      ++next;
    }
  };
  for (const SecLabel &label : labels) {
    if (inactive && label.implicit) {
      continue;
    }
    find_next();
    if (next == domain->end()) {
      place = std::next(domain->insert(place, {kElement, MakeElement(label, inactive, ptree())}));
      continue;
    }
    XmlContext context;
    const Result<SecLabel> present = ReadSecLabel(XmlElement(next->first, &next->second, &context));
    if (!inactive || !present || !SameDefinition(*present, label)) {
      next->second = MakeElement(label, inactive, next->second);
    }
    place = ++next;
  }
  for (find_next(); next != domain->end(); find_next()) {
    next = domain->erase(next);
  }
}

}  // namespace svirt
