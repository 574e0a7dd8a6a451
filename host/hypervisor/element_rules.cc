// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/element_rules.h"

#include <algorithm>
#include <sstream>

namespace svirt {
namespace {

using boost::property_tree::ptree;

// Where the rule of an element stands that has none of its own: character devices are alike, and
// chains may be of any length.
std::string SharedPath(const std::string &parent, const std::string &name) {
  if (parent == "devices" && (name == "parallel" || name == "console" || name == "channel")) {
    return "devices/serial";
  }
  return parent == "devices/disk/backingStore" && name == "backingStore" ? parent : "";
}

bool IsPlacement(const std::string &parent, const std::string &name) {
  return parent.starts_with("devices/") && (name == "address" || name == "alias");
}

bool AllowsAttribute(const ElementRule &rule, const std::string &name, const std::string &value) {
  if (rule.attributes == "*") {
    return true;
  }
  const std::string pair = std::string(name).append("=").append(value);
  std::istringstream words{std::string(rule.attributes)};
  for (std::string word; words >> word;) {
    if (word == name || word == pair) {
      return true;
    }
  }
  return false;
}

// Not recursive on the depth of the document: that is bounded by the table, the chain of
// backingStore by the parser.
Status CheckChildren(const Domain &domain, const ElementRules &rules, const ptree &parent,
                     const std::string &path, const std::string &shown) {
  for (const auto &[name, node] : parent) {
    if (name.starts_with("<") || IsPlacement(path, name) ||
        (path.empty() && rules.passes != nullptr && rules.passes(domain, name))) {
      continue;  // "<": attributes, comments and text of the parent
    }
    const std::string shown_path =
        shown.empty() ? name : std::string(shown).append("/").append(name);
    const std::string own_path = path.empty() ? name : std::string(path).append("/").append(name);
    auto rule = std::ranges::find(rules.rules, own_path, &ElementRule::path);
    if (rule == rules.rules.end()) {
      rule = std::ranges::find(rules.rules, SharedPath(path, name), &ElementRule::path);
    }
    if (rule == rules.rules.end()) {
      return UnknownElement(rules.driver, shown_path + ">");
    }
    if (const auto attributes = node.get_child_optional("<xmlattr>")) {
      for (const auto &[attribute, value] : *attributes) {
        if (!AllowsAttribute(*rule, attribute, value.data())) {
          std::string where = shown_path;
          where.append(" ").append(attribute).append("='").append(value.data()).append("'>");
          return UnknownElement(rules.driver, where);
        }
      }
    }
    if (rule->check != nullptr) {
      SVIRT_TRY(rule->check(node));
    }
    if (!rule->opaque) {
      SVIRT_TRY(CheckChildren(domain, rules, node, std::string(rule->path), shown_path));
    }
  }
  return {};
}

}  // namespace

Error UnknownElement(std::string_view driver, const std::string &where) {
  return Error{Errc::kUnsupported, "<" + where + " of the domain XML is nothing that the " +
                                       std::string(driver) + " driver can do: remove it"};
}

Status CheckElements(const Domain &domain, const ElementRules &rules) {
  const auto root = domain.document.get_child_optional("domain");
  return root ? CheckChildren(domain, rules, *root, "", "") : Status();
}

}  // namespace svirt
