// SPDX-License-Identifier: LGPL-2.1-or-later
// Each rule of each driver lets through what it lists and nothing else.
#include "host/hypervisor/element_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "host/domain/domain_xml.h"
#include "host/hypervisor/qemu/qemu_elements.h"
#include "host/hypervisor/xen/xen_elements.h"

namespace svirt {
namespace {

using boost::property_tree::ptree;
using testing::HasSubstr;
using testing::Not;

constexpr char kUnknown[] = "svirt-unknown";
constexpr char kSecret[] = "hunter2";

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream{std::string(text)};
  for (std::string part; std::getline(stream, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

std::string Plain(std::string_view path) {
  std::string plain;
  for (const std::string &part : Split(path, '/')) {
    plain += (plain.empty() ? "" : "/") + part.substr(0, part.find('['));
  }
  return plain;
}

// The attribute that says of which kind such an element is; "" if it has none of them.
std::string KindAttribute(std::span<const ElementRule> rules, const std::string &plain) {
  for (std::string name : {"type", "model", "name"}) {
    for (const ElementRule &rule : rules) {
      for (const std::string_view list : {rule.attributes, rule.harmless}) {
        const auto words = Split(list, ' ');
        if (Plain(rule.path) == plain && std::ranges::any_of(words, [&](const std::string &word) {
              return word == name || word.starts_with(name + "=");
            })) {
          return name;
        }
      }
    }
  }
  return "";
}

// The rule's path, with a kind for whatever above it has no rule without one.
std::string PathOf(std::span<const ElementRule> rules, const ElementRule &rule) {
  std::string path(rule.path);
  for (size_t end = path.rfind('/'); end != std::string::npos && end > 0;
       end = path.rfind('/', end - 1)) {
    const std::string above = path.substr(0, end);
    const auto kind = std::ranges::find_if(
        rules, [&above](const ElementRule &other) { return Plain(other.path) == above; });
    if (kind != rules.end() && above == Plain(above) &&
        std::ranges::find(rules, above, &ElementRule::path) == rules.end()) {
      return std::string(kind->path) + path.substr(end);
    }
  }
  return path;
}

// A document with one element, for which the rule is.
struct Sample {
  Domain domain;
  std::string shown;
  ptree *element;

  Sample(std::span<const ElementRule> rules, const ElementRule &rule) {
    ptree *parent = nullptr;
    element = &domain.document.put_child("domain", ptree());
    std::string plain;
    for (std::string part : Split(PathOf(rules, rule), '/')) {
      const std::string kind =
          part.find('[') == std::string::npos
              ? ""
              : part.substr(part.find('[') + 1, part.size() - part.find('[') - 2);
      plain += (plain.empty() ? "" : "/") + part.substr(0, part.find('['));
      part = part == "*" ? "disk" : part.substr(0, part.find('['));
      shown += (shown.empty() ? "" : "/") + part;
      parent = element;
      element = &parent->add_child(part, ptree());
      if (!kind.empty()) {
        const bool own = plain == Plain(rule.path);
        const std::string attribute = KindAttribute(own ? std::span(&rule, 1) : rules, plain);
        (attribute.empty() ? parent : element)
            ->put("<xmlattr>." + (attribute.empty() ? "type" : attribute), kind);
      }
    }
    shown = shown.empty() ? "domain" : shown;
  }

  std::string Complaint(std::span<const ElementRule> rules) const {
    Refusals refusals;
    CheckElements(domain, {.driver = "some", .rules = rules}, &refusals);
    const Status status = refusals.ToStatus();
    return status.ok() ? "" : status.error().message;
  }
};

class ElementRuleTables : public testing::TestWithParam<std::span<const ElementRule>> {};

TEST_P(ElementRuleTables, AnAttributeThatIsNotListedIsRefusedWithoutItsValue) {
  for (const ElementRule &rule : GetParam()) {
    Sample sample(GetParam(), rule);
    EXPECT_THAT(sample.Complaint(GetParam()), Not(HasSubstr(kUnknown))) << rule.path;
    sample.element->put(std::string("<xmlattr>.") + kUnknown, kSecret);
    const std::string complaint = sample.Complaint(GetParam());
    EXPECT_THAT(complaint, HasSubstr("<" + sample.shown + " " + kUnknown + "=...>")) << rule.path;
    EXPECT_THAT(complaint, Not(HasSubstr(kSecret))) << rule.path;
  }
}

TEST_P(ElementRuleTables, AValueThatIsNotListedIsRefused) {
  for (const ElementRule &rule : GetParam()) {
    for (const std::string_view list : {rule.attributes, rule.harmless}) {
      for (const std::string &word : Split(list, ' ')) {
        const std::string name = word.substr(0, word.find('='));
        if (name == word) {
          continue;
        }
        Sample sample(GetParam(), rule);
        sample.element->put("<xmlattr>." + name, kUnknown);
        EXPECT_THAT(sample.Complaint(GetParam()),
                    HasSubstr("<" + sample.shown + " " + name + "='" + kUnknown + "'>"))
            << rule.path;
        sample.element->put("<xmlattr>." + name, word.substr(name.size() + 1));
        EXPECT_THAT(sample.Complaint(GetParam()), Not(HasSubstr(" " + name + "="))) << rule.path;
      }
    }
  }
}

TEST_P(ElementRuleTables, TextWhereNoneIsReadIsRefused) {
  for (const ElementRule &rule : GetParam()) {
    Sample sample(GetParam(), rule);
    sample.element->data() = kSecret;
    const bool any = rule.text == "*" || (rule.flags & ElementRule::kOpaque) != 0;
    const std::string complaint = sample.Complaint(GetParam());
    EXPECT_EQ(complaint.find("in <" + sample.shown + ">") == std::string::npos, any)
        << rule.path << complaint;
    if (rule.text.empty()) {
      EXPECT_THAT(complaint, Not(HasSubstr(kSecret))) << rule.path;
    }
  }
}

TEST_P(ElementRuleTables, AnElementThatIsNotListedIsRefused) {
  for (const ElementRule &rule : GetParam()) {
    Sample sample(GetParam(), rule);
    sample.element->put(kUnknown, kSecret);
    const std::string where = sample.shown == "domain" ? "" : sample.shown + "/";
    const std::string complaint = sample.Complaint(GetParam());
    EXPECT_EQ(complaint.find("<" + where + kUnknown + ">") == std::string::npos,
              (rule.flags & ElementRule::kOpaque) != 0)
        << rule.path << complaint;
    EXPECT_THAT(complaint, Not(HasSubstr(kSecret))) << rule.path;
  }
}

TEST_P(ElementRuleTables, WhatStandsOnceIsRefusedWhenItStandsTwice) {
  for (const ElementRule &rule : GetParam()) {
    if (rule.path.empty()) {
      continue;
    }
    Sample sample(GetParam(), rule);
    const std::string last = sample.shown.substr(sample.shown.rfind('/') + 1);
    const auto slash = sample.shown.rfind('/');
    std::string parent = slash == std::string::npos ? "" : sample.shown.substr(0, slash);
    std::ranges::replace(parent, '/', '.');
    ptree &above =
        sample.domain.document.get_child("domain" + (parent.empty() ? "" : "." + parent));
    above.add_child(last, ptree(above.get_child(last)));
    EXPECT_EQ(
        sample.Complaint(GetParam()).find("<" + sample.shown + "> (it stands more than once)") ==
            std::string::npos,
        (rule.flags & ElementRule::kMany) != 0)
        << rule.path;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ElementRuleTables, testing::Values(QemuElements(), XenElements()),
                         [](const auto &param) {
                           return std::string(param.index == 0 ? "Qemu" : "Xen");
                         });

TEST(ElementRules, AllRefusalsAtOnceInTheOrderOfTheDocumentUpToABound) {
  const ElementRule rules[] = {
      {"", "type"}, {"name", "", "", "*"}, {"a", "x=1 x=2 y", "", "", ElementRule::kMany}};
  const auto check = [&rules](const std::string &inner) {
    const auto domain =
        ParseDomainXml("<domain type='t'><name>n</name>" + inner + "</domain>", "f");
    Refusals refusals;
    CheckElements(*domain, {.driver = "T", .rules = rules}, &refusals);
    const Status status = refusals.ToStatus();
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, Errc::kUnsupported);
    return status.error().message;
  };
  EXPECT_EQ(check("<c/>\n<a x='3' z='s3'>\n<d/></a><b/>\n<a y='4'>text</a>"),
            "f:1: the T driver cannot do <c>; take it out or change it\n"
            "f:2: the T driver cannot do <a x='3'> (it can be 1, 2); take it out or change it\n"
            "f:2: the T driver cannot do <a z=...>; take it out or change it\n"
            "f:3: the T driver cannot do <a/d>; take it out or change it\n"
            "f:3: the T driver cannot do <b>; take it out or change it\n"
            "f:4: the T driver cannot do the text in <a>; take it out or change it");
  std::string many;
  for (int i = 10; i < 70; ++i) {
    many += "<e" + std::to_string(i) + "/>";
  }
  const std::string message = check(many);
  EXPECT_THAT(message,
              HasSubstr("<e59>; take it out or change it\nthe T driver cannot do 10 more things"));
  EXPECT_THAT(message, Not(HasSubstr("<e60>")));
}

}  // namespace
}  // namespace svirt
