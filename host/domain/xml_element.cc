// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds children and converts attributes, each error with its line.
#include "host/domain/xml_element.h"

#include <algorithm>

#include "host/domain/number.h"
#include "host/domain/path.h"
#include "host/util/text.h"

namespace svirt {

using boost::property_tree::ptree;

Error XmlElement::Fail(const std::string &sentence) const {
  const XmlSource &source = context_->source;
  return Error{Errc::kInvalid, source.file + ":" + std::to_string(source.LineOf(node_)) + ": " +
                                   Printable(sentence)};
}

Error XmlElement::Fail(std::string_view what, const Error &error) const {
  return Fail(std::string(what) + ": " + error.message);
}

std::vector<XmlElement> XmlElement::All() const {
  std::vector<XmlElement> all;
  for (auto &[key, child] : *node_) {
    if (IsElementKey(key)) {
      all.emplace_back(key, &child, context_);
    }
  }
  return all;
}

std::vector<XmlElement> XmlElement::Children(std::string_view name) const {
  std::vector<XmlElement> children;
  for (auto &[key, child] : *node_) {
    if (key == name) {
      children.emplace_back(key, &child, context_);
      children.back().MarkSeen();
    }
  }
  return children;
}

std::optional<XmlElement> XmlElement::Child(std::string_view name) const {
  for (auto &[key, child] : *node_) {
    if (key == name) {
      XmlElement element(key, &child, context_);
      element.MarkSeen();
      return element;
    }
  }
  return std::nullopt;
}

const std::string *XmlElement::FindAttr(std::string_view name) const {
  for (const auto &[key, child] : *node_) {
    if (key != kXmlAttributes) {
      continue;
    }
    for (const auto &[attribute, value] : child) {
      if (attribute == name) {
        return &value.data();
      }
    }
  }
  return nullptr;
}

std::string XmlElement::Attr(std::string_view name) const {
  const std::string *value = FindAttr(name);
  return value == nullptr ? std::string() : *value;
}

Result<std::string> XmlElement::OneOf(std::string_view name, std::string_view fallback,
                                      std::initializer_list<std::string_view> legal) const {
  const std::string *value = FindAttr(name);
  if (value == nullptr) {
    return std::string(fallback);
  }
  if (std::find(legal.begin(), legal.end(), *value) != legal.end()) {
    return *value;
  }
  std::string sentence = "Invalid value for attribute '" + std::string(name) + "' in element '" +
                         *name_ + "': " + Quoted(*value) + "; legal are ";
  const char *separator = "";
  for (const std::string_view word : legal) {
    sentence += separator + std::string(word);
    separator = ", ";
  }
  return Fail(sentence);
}

Result<bool> XmlElement::Bool(std::string_view name, bool fallback) const {
  const Result<std::string> word = OneOf(name, fallback ? "yes" : "no", {"yes", "no"});
  if (!word) {
    return word.error();
  }
  return *word == "yes";
}

Result<bool> XmlElement::Switch(std::string_view name, bool fallback) const {
  const Result<std::string> word = OneOf(name, fallback ? "on" : "off", {"on", "off"});
  if (!word) {
    return word.error();
  }
  return *word == "on";
}

Result<unsigned> XmlElement::Unsigned(std::string_view name, unsigned fallback,
                                      unsigned max) const {
  const std::string *value = FindAttr(name);
  if (value == nullptr) {
    return fallback;
  }
  Result<uint64_t> number = ParseUnsigned(*value, max);
  if (!number) {
    return Fail("attribute '" + std::string(name) + "' of <" + *name_ + ">", number.error());
  }
  return static_cast<unsigned>(*number);
}

Result<std::string> XmlElement::Path(std::string_view name) const {
  const std::string *value = FindAttr(name);
  if (value == nullptr || value->empty()) {
    return std::string();
  }
  Result<std::string> path = NormalPath(*value);
  if (!path) {
    return Fail("attribute '" + std::string(name) + "' of <" + *name_ + ">", path.error());
  }
  return path;
}

Result<std::string> XmlElement::TextPath() const {
  const std::string text = Text();
  if (text.empty()) {
    return std::string();
  }
  Result<std::string> path = NormalPath(text);
  if (!path) {
    return Fail("<" + *name_ + ">", path.error());
  }
  return path;
}

}  // namespace svirt
