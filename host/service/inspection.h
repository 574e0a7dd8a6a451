// SPDX-License-Identifier: LGPL-2.1-or-later
// What is told of one domain: its state, and its labels as the kernel has them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/hypervisor/hypervisor.h"
#include "host/hypervisor/running_domain.h"
#include "host/loader/plugin.h"
#include "host/service/definitions.h"
#include "host/service/endings.h"
#include "host/service/engines.h"
#include "host/service/machine.h"
#include "host/util/result.h"

namespace svirt {

// One model's view of a domain.
struct DomainLabel {
  ModelInfo model;
  std::string label;
  bool enforcing = false;
  bool verified = false;  // read from the kernel just now, not remembered from the start
};

class Inspection {
 public:
  Inspection(Machine *machine, const Engines *engines, const Endings *endings,
             const Definitions *definitions)
      : machine_(machine), engines_(engines), endings_(endings), definitions_(definitions) {}

  // One that has ended since it was looked up is cleaned up, and *stored does not run any more.
  // It may have been undefined as well, which is an error: see Definitions::IsDefined.
  Result<DomainState> State(StoredDomain *stored,
                            std::chrono::milliseconds patience = kAnswerTime) const;
  Result<std::vector<DomainLabel>> Labels(StoredDomain *stored) const;
  // Errc::kRefused: it runs, and the label database does not know that it does, or it is not
  // confined any more as it was at its start.
  Status CheckNotLost(const StoredDomain &stored) const;
  // What the plugin reads from the kernel about a process of the domain.
  static Result<LabelState> ProcessLabel(Plugin *plugin, const Domain &domain, pid_t pid);
  // What it reads about a domain that runs, wherever that is.
  static Result<LabelState> RunningLabel(Plugin *plugin, const RunningDomain &running);
  // Process pid has just been started as the domain: reports a model that lets it do anything. One
  // that is permissive as a whole has been told of before the start.
  void WarnIfPermissive(const Domain &domain, pid_t pid) const;

 private:
  Result<DomainState> AskState(const StoredDomain &stored,
                               std::chrono::milliseconds patience) const;
  Result<std::vector<DomainLabel>> AskLabels(const StoredDomain &stored) const;

  Machine *machine_;
  const Engines *engines_;
  const Endings *endings_;
  const Definitions *definitions_;
};

}  // namespace svirt
