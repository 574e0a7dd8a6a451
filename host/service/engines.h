// SPDX-License-Identifier: LGPL-2.1-or-later
// Label engines, each with the models that a domain gets, runs under, or still holds labels of.
#pragma once

#include <string>
#include <vector>

#include "host/labels/engine.h"
#include "host/service/machine.h"

namespace svirt {

class Engines {
 public:
  explicit Engines(Machine *machine) : machine_(machine) {}

  // With the models that this domain gets when it is started.
  Result<Engine> For(const Domain &domain, SecurityDrivers::Use use) const;
  Result<Engine> For(const Domain &domain, LabelStore *labels, SecurityDrivers::Use use) const;
  // With those that a running domain was started with, whatever it would get now.
  Result<Engine> ForRunning(const Domain &running) const;
  // The same for one that the label database has lost, to enter it again.
  Result<Engine> ForLost(const Domain &running) const;
  Result<std::vector<Plugin *>> PluginsOfRunning(const Domain &running) const;
  // Also with those whose labels the domain holds. One that is gone is reported.
  Result<Engine> ToUndo(const std::string &uuid, const std::string &virt_type) const;

  // With those that have labelled what a power failure may have brought back.
  Result<Engine> ToUndo(const LostOwner &lost) const;

  // The registry knows labels by what the plugin calls their DOI, which does not change under
  // running domains; the administrator's name for it is what people are shown.
  void NameDoi(Plan *plan) const;

 private:
  ConfinementPolicy Policy(const Domain &domain) const;
  // What of the machine it does not get.
  PathRules PathsFor(const Domain &domain) const;

  Machine *machine_;
};

}  // namespace svirt
