// SPDX-License-Identifier: LGPL-2.1-or-later
// What the policy lets two domains do with each other.
#pragma once

#include <string>

#include "host/loader/plugin.h"
#include "host/service/definitions.h"
#include "host/service/machine.h"
#include "host/util/result.h"

namespace svirt {

// What the policy lets one domain do with another.
struct AccessAnswer {
  std::string model, source_label, target_label;
  bool read_memory = false, write_memory = false;  // that the other shares with it
  bool copy_memory = false;                        // through the hypervisor
  bool notify = false;                             // events, both ways
};

class PolicyAccess {
 public:
  PolicyAccess(Machine *machine, const Definitions *definitions)
      : machine_(machine), definitions_(definitions) {}

  // What may source do with target, each a domain (which runs, or has a static label) or a label?
  // kUnsupported where the model in use cannot be asked.
  Result<AccessAnswer> Ask(const std::string &source, const std::string &target) const;

 private:
  Result<AccessAnswer> AskUnder(const std::string &type, const std::string &source,
                                const std::string &target) const;
  Result<std::string> LabelOf(const std::string &domain_or_label, Plugin *plugin) const;

  Machine *machine_;
  const Definitions *definitions_;
};

}  // namespace svirt
