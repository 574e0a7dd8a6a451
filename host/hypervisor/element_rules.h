// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/property_tree/ptree.hpp>
#include <span>
#include <string>
#include <string_view>

#include "host/domain/domain.h"
#include "host/util/result.h"

namespace svirt {

// An element of the domain XML that a hypervisor driver acts upon, or that means nothing to the
// guest.
struct ElementRule {
  std::string_view path;  // below <domain>
  // "*" any, else the words allowed; a word "name=value" allows that value only.
  std::string_view attributes = "*";
  bool opaque = false;  // what is below it, as well
  Status (*check)(const boost::property_tree::ptree &element) = nullptr;
};

struct ElementRules {
  std::string_view driver;  // for messages: "QEMU"
  std::span<const ElementRule> rules;
  // Elements of <domain> that are no part of the rules; nullptr: none.
  bool (*passes)(const Domain &domain, const std::string &name) = nullptr;
};

// Refuses a domain whose XML has an element, or an attribute that matters, which is not in the
// rules: a guest without the limit, filter or password that its XML asks for must not start.
// Placement (<address>, <alias> of devices) is the hypervisor's choice and is passed over.
// Errc::kUnsupported names the element by its path.
Status CheckElements(const Domain &domain, const ElementRules &rules);

// where: "element>", or "element attribute='value'>".
Error UnknownElement(std::string_view driver, const std::string &where);

}  // namespace svirt
