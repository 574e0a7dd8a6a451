// SPDX-License-Identifier: LGPL-2.1-or-later
// Typed access to the elements of a document, which notes what has been read.
#pragma once

#include <boost/property_tree/ptree.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/domain/xml_reader.h"
#include "host/util/result.h"

namespace svirt {

// What the readers of one document share.
struct XmlContext {
  XmlSource source;
  std::vector<const boost::property_tree::ptree *> seen;  // elements that somebody reads
};

// An element of a document that is being read, with the document's name and line for errors. Valid
// as long as the tree and the context.
class XmlElement {
 public:
  XmlElement(const std::string &name, boost::property_tree::ptree *node, XmlContext *context)
      : name_(&name), node_(node), context_(context) {}

  const std::string &name() const { return *name_; }
  boost::property_tree::ptree &node() const { return *node_; }
  XmlContext &context() const { return *context_; }

  // "FILE:LINE: sentence".
  Error Fail(const std::string &sentence) const;
  // The same for an error that a function without a line has found, named by what it is about.
  Error Fail(std::string_view what, const Error &error) const;

  // Elements inside, in order. Naming them marks them as understood; All() does not.
  std::vector<XmlElement> All() const;
  std::vector<XmlElement> Children(std::string_view name) const;
  std::optional<XmlElement> Child(std::string_view name) const;  // the first
  void MarkSeen() const { context_->seen.push_back(node_); }

  // Its place in the document: the elements are counted from 1.
  uint32_t Position() const { return context_->source.PositionOf(node_); }

  std::string Text() const { return XmlText(*node_); }
  const std::string *FindAttr(std::string_view name) const;
  std::string Attr(std::string_view name) const;  // "" if absent

  // Attributes that are absent read as the fallback; those that do not fit are errors.
  Result<bool> Bool(std::string_view name, bool fallback) const;    // yes or no
  Result<bool> Switch(std::string_view name, bool fallback) const;  // on or off
  Result<unsigned> Unsigned(std::string_view name, unsigned fallback, unsigned max) const;
  Result<std::string> OneOf(std::string_view name, std::string_view fallback,
                            std::initializer_list<std::string_view> legal) const;
  Result<std::string> Path(std::string_view name) const;  // normal; "" if absent or empty
  Result<std::string> TextPath() const;                   // the text as a path; "" if empty

 private:
  const std::string *name_;
  boost::property_tree::ptree *node_;
  XmlContext *context_;
};

// Is this the key of an element, not of attributes, text or a comment?
inline bool IsElementKey(std::string_view key) {
  return !key.starts_with('<');
}

}  // namespace svirt
