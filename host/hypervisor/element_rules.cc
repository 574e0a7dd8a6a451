// SPDX-License-Identifier: LGPL-2.1-or-later
// Walks through a domain's document beside a hypervisor's table of what it understands.
#include "host/hypervisor/element_rules.h"

#include <algorithm>
#include <boost/algorithm/string/trim.hpp>
#include <locale>
#include <set>
#include <utility>
#include <vector>

#include "host/domain/document_place.h"
#include "host/domain/xml_reader.h"
#include "host/util/text.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;

constexpr size_t kMostRefusals = 50;

std::vector<std::string_view> Words(std::string_view list) {
  std::vector<std::string_view> words;
  while (!list.empty()) {
    const size_t end = std::min(list.find(' '), list.size());
    if (end > 0) {
      words.push_back(list.substr(0, end));
    }
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return words;
}

std::string_view NameOf(std::string_view word) {
  return word.substr(0, word.find('='));
}

// The text as it may stand in a message.
std::string Shown(const std::string &text) {
  return Quoted(Printable(text));
}

// What tells elements of one name apart.
std::string KindOf(const ptree &element, const std::string &parent) {
  for (const char *attribute : {"type", "model", "name"}) {
    const auto value = element.get_optional<std::string>(std::string("<xmlattr>.") + attribute);
    if (value) {
      return value->find_first_of("[]/") == std::string::npos ? *value : "";
    }
  }
  return parent;
}

// Where the rule of an element stands whose parent has none for it. Chains may be of any length.
std::string SharedParent(const std::string &parent, const std::string &name) {
  const bool device = parent.starts_with("devices/") && parent.find('/', 8) == std::string::npos;
  if (device && (name == "address" || name == "alias")) {
    return "devices/*";
  }
  if (parent == "devices/parallel" || parent == "devices/console" || parent == "devices/channel" ||
      (parent == "devices/rng/backend" && (name == "source" || name == "protocol"))) {
    return "devices/serial";
  }
  if (parent == "devices/disk/backingStore" && (name == "source" || name == "backingStore")) {
    return "devices/disk";
  }
  return "";
}

std::string WithoutKinds(std::string_view path) {
  std::string plain;
  bool inside = false;
  for (const char c : path) {
    inside = inside ? c != ']' : c == '[';
    if (!inside && c != ']') {
      plain += c;
    }
  }
  return plain;
}

class Checker {
 public:
  Checker(const Domain &domain, const ElementRules &rules, Refusals *refusals)
      : domain_(domain), rules_(rules), refusals_(refusals) {}

  void CheckRoot(const ptree &root) {
    if (const ElementRule *rule = At("")) {
      CheckOne(*rule, root, "domain");
    }
    CheckChildren(root, Place{});
  }

  void Finish() {
    if (count_ > kMostRefusals) {
      refusals_->Add(Error{Errc::kUnsupported, "the " + std::string(rules_.driver) +
                                                   " driver cannot do " +
                                                   std::to_string(count_ - kMostRefusals) +
                                                   " more things that the domain XML asks for"});
    }
  }

 private:
  // An element whose children are looked at.
  struct Place {
    std::string path;  // of its rule, without kinds
    std::string kind;
    std::string shown;  // its own path, for messages
  };

  // what: of the element node.
  void Refuse(const ptree &node, const std::string &what, const std::string &why = "") {
    if (++count_ <= kMostRefusals) {
      refusals_->Add(svirt::At(
          domain_, PositionOf(domain_, node),
          Error{Errc::kUnsupported, "the " + std::string(rules_.driver) + " driver cannot do " +
                                        what + (why.empty() ? "" : " (" + why + ")") +
                                        "; take it out or change it"}));
    }
  }

  const ElementRule *At(const std::string &path) const {
    const auto rule = std::ranges::find(rules_.rules, path, &ElementRule::path);
    return rule == rules_.rules.end() ? nullptr : &*rule;
  }

  const ElementRule *Find(const std::string &parent, const std::string &parent_kind,
                          const std::string &name, const std::string &kind) const {
    if (parent.empty()) {
      const ElementRule *rule = At(name + "[" + kind + "]");
      return rule != nullptr ? rule : At(name);
    }
    for (const std::string &above : {parent + "[" + parent_kind + "]/", parent + "/"}) {
      for (const std::string &below : {name + "[" + kind + "]", name}) {
        if (const ElementRule *rule = At(above + below)) {
          return rule;
        }
      }
    }
    return nullptr;
  }

  const ElementRule *Find(const Place &parent, const std::string &name,
                          const std::string &kind) const {
    const ElementRule *rule = Find(parent.path, parent.kind, name, kind);
    const std::string shared = rule == nullptr ? SharedParent(parent.path, name) : "";
    return shared.empty() ? rule : Find(shared, parent.kind, name, kind);
  }

  // Not recursive on the depth of the document: that is bounded by the table, the chain of
  // backingStore by the parser.
  void CheckChildren(const ptree &parent, const Place &place) {
    const bool top = place.shown.empty();
    for (const auto &[name, node] : parent) {
      if (name.starts_with("<") ||
          (top && rules_.passes != nullptr && rules_.passes(domain_, name))) {
        continue;  // "<": attributes, comments and text of the parent
      }
      Place own{"", KindOf(node, place.kind), top ? name : place.shown + "/" + name};
      const ElementRule *rule = Find(place, name, own.kind);
      if (rule == nullptr) {
        Refuse(node, "<" + own.shown + ">");
        continue;
      }
      own.path = WithoutKinds(rule->path);
      // There may be several <devices>, which are read as one.
      const void *owner =
          own.path.starts_with("devices/") && place.path == "devices" ? nullptr : &parent;
      if (!seen_.emplace(owner, name).second && (rule->flags & ElementRule::kMany) == 0) {
        Refuse(node, "<" + own.shown + ">", "it stands more than once");
      }
      const bool known = CheckOne(*rule, node, own.shown);
      if (known && (rule->flags & ElementRule::kOpaque) == 0) {
        CheckChildren(node, own);
      }
    }
  }

  // false: of a kind that is not known, which decides what its parts mean.
  bool CheckOne(const ElementRule &rule, const ptree &node, const std::string &shown) {
    bool known = true;
    if (const auto attributes = node.get_child_optional("<xmlattr>")) {
      for (const auto &[name, value] : *attributes) {
        known = (CheckAttribute(rule, node, shown, name, value.data()) || name != "type") && known;
      }
    }
    if ((rule.flags & ElementRule::kOpaque) == 0 && rule.text != "*") {
      CheckText(rule, node, shown, boost::trim_copy(XmlText(node), std::locale::classic()));
    }
    if (known && rule.check != nullptr) {
      if (const std::string why = rule.check(domain_, node); !why.empty()) {
        Refuse(node, "<" + shown + ">", why);
      }
    }
    return known;
  }

  bool CheckAttribute(const ElementRule &rule, const ptree &node, const std::string &shown,
                      const std::string &name, const std::string &value) {
    if (name == "xmlns" || name.starts_with("xmlns:")) {
      return true;  // tells what names mean
    }
    std::string legal;
    for (const std::string_view list : {rule.attributes, rule.harmless}) {
      for (const std::string_view word : Words(list)) {
        if (NameOf(word) != name) {
          continue;
        }
        const std::string_view wanted = word.substr(std::min(name.size() + 1, word.size()));
        if (word == name || wanted == value) {
          return true;
        }
        legal.append(legal.empty() ? "" : ", ").append(wanted);
      }
    }
    if (legal.empty()) {
      Refuse(node, "<" + shown + " " + name + "=...>");
    } else {
      Refuse(node, "<" + shown + " " + name + "=" + Shown(value) + ">", "it can be " + legal);
    }
    return false;
  }

  void CheckText(const ElementRule &rule, const ptree &node, const std::string &shown,
                 const std::string &text) {
    const std::vector<std::string_view> words = Words(rule.text);
    if (text.empty() || std::ranges::find(words, text) != words.end()) {
      return;
    }
    if (words.empty()) {
      Refuse(node, "the text in <" + shown + ">");
      return;
    }
    std::string legal;
    for (const std::string_view word : words) {
      legal.append(legal.empty() ? "" : ", ").append(word);
    }
    Refuse(node, Shown(text) + " in <" + shown + ">", "it can be " + legal);
  }

  const Domain &domain_;
  const ElementRules &rules_;
  Refusals *refusals_;
  std::set<std::pair<const void *, std::string>> seen_;
  size_t count_ = 0;
};

}  // namespace

void CheckElements(const Domain &domain, const ElementRules &rules, Refusals *refusals) {
  if (const auto root = domain.document.get_child_optional("domain")) {
    Checker checker(domain, rules, refusals);
    checker.CheckRoot(*root);
    checker.Finish();
  }
}

}  // namespace svirt
