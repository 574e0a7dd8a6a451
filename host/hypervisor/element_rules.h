// SPDX-License-Identifier: LGPL-2.1-or-later
// The rules by which a driver lists the XML that it understands, and the check against them.
#pragma once

#include <boost/property_tree/ptree.hpp>
#include <span>
#include <string>
#include <string_view>

#include "host/domain/domain.h"
#include "host/util/refusals.h"

namespace svirt {

// An element of the domain XML that a hypervisor driver understands. Each attribute stands by its
// name: what is not listed is refused, so nothing that the XML asks for is lost in silence.
// Lists are words with blanks between them.
struct ElementRule {
  // Below <domain>: "devices/disk/source"; "" is <domain> itself. A name may have a kind, which is
  // the element's type=, or else its model= or name=, or else that of its parent:
  // "devices/disk[block]/source" counts before "devices/disk/source", which is for all other kinds.
  // What character devices share stands under devices/serial, what images share under devices/disk,
  // <address> and <alias> of devices under "devices/*".
  std::string_view path;
  // What the driver acts upon: "name" with any value, "name=value" with that value only.
  std::string_view attributes = {};
  // In the same words, what is no wish that could be lost: output of another manager, or placement,
  // which is the hypervisor's choice.
  std::string_view harmless = {};
  std::string_view text = {};  // "*" any, else the words allowed; "" the element has none
  unsigned flags = 0;          // kMany, kOpaque
  // What else is wrong with it, in a few words that follow its name; "" nothing.
  std::string (*check)(const Domain &domain, const boost::property_tree::ptree &element) = nullptr;

  static constexpr unsigned kMany = 1;    // may stand more than once
  static constexpr unsigned kOpaque = 2;  // what is below it is not looked at
};

struct ElementRules {
  std::string_view driver;  // for messages: "QEMU"
  std::span<const ElementRule> rules;
  // Elements of <domain> that are no part of the rules; nullptr: none.
  bool (*passes)(const Domain &domain, const std::string &name) = nullptr;
};

// Refuses every element, attribute, value and text of the domain's XML which is not in the rules: a
// guest without the limit, filter or password that its XML asks for must not start. All are
// Errc::kUnsupported, in the order of the document, up to a bound. The value of an attribute that
// is not known is never part of the sentence: it may be a password.
void CheckElements(const Domain &domain, const ElementRules &rules, Refusals *refusals);

}  // namespace svirt
