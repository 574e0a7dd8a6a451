// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads XML that may be hostile into a tree, and remembers the lines of its elements.
#pragma once

#include <boost/property_tree/ptree.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "host/util/result.h"

namespace svirt {

// Keys that Boost.PropertyTree gives to what is not an element, and one of ours: it has none for
// processing instructions.
inline constexpr char kXmlAttributes[] = "<xmlattr>";
inline constexpr char kXmlComment[] = "<xmlcomment>";
inline constexpr char kXmlText[] = "<xmltext>";
inline constexpr char kXmlInstruction[] = "<xmlpi>";

// Domain XML comes from people who may wish us ill. More than this is refused.
inline constexpr size_t kXmlMaxText = size_t{8} << 20;    // bytes of the document
inline constexpr int kXmlMaxDepth = 128;                  // elements inside each other
inline constexpr size_t kXmlMaxName = 256;                // bytes of an element or attribute name
inline constexpr size_t kXmlMaxValue = size_t{64} << 10;  // bytes of an attribute value
inline constexpr int kXmlMaxAttributes = 256;             // of one element
inline constexpr size_t kXmlMaxNodes = 100'000;  // elements, attributes, comments, instructions

// Where the elements of a tree stand in their text. Holds for that very tree: the nodes of a copy
// are others.
struct XmlSource {
  std::string file;
  std::vector<unsigned long> lines;  // on which the elements start, in the order of the document
  std::unordered_map<const boost::property_tree::ptree *, uint32_t> positions;

  // Counts the elements of the document from 1; 0 for a node that is no element of the tree.
  uint32_t PositionOf(const boost::property_tree::ptree *element) const;
  // The line on which the element starts, 1 for a node that is not an element of the tree.
  unsigned long LineOf(const boost::property_tree::ptree *element) const;
};

// Reads XML into an empty tree, in the shape that Boost.PropertyTree's own reader gives it:
// attributes below <xmlattr>, comments as <xmlcomment>, the text of an element without children as
// its data. Blanks between elements are dropped. Where text stands beside elements, each piece is
// an <xmltext> in its place. Errors are "FILE:LINE: sentence". A DOCTYPE is refused, so there are
// no entities but XML's own five.
Status ReadXml(std::string_view text, std::string_view file, boost::property_tree::ptree *tree,
               XmlSource *source);

// The text of an element, whichever way it is kept, without that of the elements inside it.
std::string XmlText(const boost::property_tree::ptree &element);

}  // namespace svirt
