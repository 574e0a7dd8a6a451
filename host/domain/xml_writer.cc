// SPDX-License-Identifier: LGPL-2.1-or-later
// Escapes and indents, but leaves elements that stand beside text on their line.
#include "host/domain/xml_writer.h"

#include <algorithm>
#include <string_view>

#include "host/domain/xml_reader.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;

void Escape(std::string_view text, bool attribute, std::string *out) {
  for (const char c : text) {
    switch (c) {
      case '&':
        *out += "&amp;";
        break;
      case '<':
        *out += "&lt;";
        break;
      case '>':
        *out += "&gt;";
        break;
      case '\r':
        *out += "&#13;";
        break;
      case '\'':
        *out += attribute ? "&apos;" : "'";
        break;
      case '\n':
        *out += attribute ? "&#10;" : "\n";
        break;
      case '\t':
        *out += attribute ? "&#9;" : "\t";
        break;
      default:
        *out += c;
    }
  }
}

// pretty: on a line of its own at this depth; otherwise in the midst of text, where a blank more
// would change it.
void WriteNode(const std::string &name, const ptree &node, size_t depth, bool pretty,
               std::string *out) {
  if (name == kXmlAttributes) {
    return;
  }
  if (name == kXmlText) {
    Escape(node.data(), false, out);
    return;
  }
  if (pretty) {
    out->append(depth * 2, ' ');
  }
  if (name == kXmlComment) {
    *out += "<!--" + node.data() + "-->";
  } else if (name == kXmlInstruction) {
    *out += "<?" + node.data() + "?>";
  } else {
    *out += "<" + name;
    bool parent = false;
    for (const auto &[key, child] : node) {
      if (key == kXmlAttributes) {
        for (const auto &[attribute, value] : child) {
          *out += " " + attribute + "='";
          Escape(value.data(), true, out);
          *out += "'";
        }
      } else {
        parent = true;
      }
    }
    if (!parent && node.data().empty()) {
      *out += "/>";
    } else {
      *out += ">";
      Escape(node.data(), false, out);
      const bool inside = pretty && parent && node.data().empty() && node.count(kXmlText) == 0;
      *out += inside ? "\n" : "";
      for (const auto &[key, child] : node) {
        WriteNode(key, child, depth + 1, inside, out);
      }
      if (inside) {
        out->append(depth * 2, ' ');
      }
      *out += "</" + name + ">";
    }
  }
  *out += pretty ? "\n" : "";
}

}  // namespace

std::string WriteXml(const ptree &tree) {
  std::string out;
  for (const auto &[name, node] : tree) {
    WriteNode(name, node, 0, true, &out);
  }
  return out;
}

}  // namespace svirt
