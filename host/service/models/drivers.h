// SPDX-License-Identifier: LGPL-2.1-or-later
// Which security models domains get here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/config/config.h"
#include "host/loader/loader.h"
#include "host/service/models/chosen_models.h"
#include "host/util/result.h"

namespace svirt {

// The security drivers of this host, as its configuration chooses them. Hypervisor drivers ask
// here which ones their domains get.
class SecurityDrivers {
 public:
  // What they are wanted for. What runs already, and what is to end, is not kept from its drivers
  // by what only a start needs.
  enum class Use {
    kLook,
    kPlan,   // what kStart would say; writes nothing
    kStart,  // require_model is kept, and what was chosen is remembered
  };

  // What this configuration selects, and what there is.
  struct Overview {
    std::vector<Candidate> candidates;  // in the order in which they are asked
    std::vector<std::string> models;    // that domains get, primary first
    std::string reason;                 // why there are none, a sentence; else ""
  };

  // scanner: the helper program that tries plugins first. What it found is kept in the run
  // directory of paths, and ends with the boot; what was chosen, in its state directory.
  // trusted_root: see LoaderOptions. foreign_types: domain types whose domains are no processes of
  // this kernel. What stands beside other models confines processes, and is not for them. watch:
  // see LoaderOptions.
  SecurityDrivers(const Config &config, const std::string &scanner, const Paths &paths,
                  std::vector<std::string> foreign_types, LogSink log, CallWatch *watch,
                  const std::string &trusted_root);

  Result<Overview> Show(const std::string &virt_type);

  // Every candidate with its state and reason, whatever the configuration makes of it. Also where
  // it cannot be told what was chosen before, which stops every selection.
  Result<std::vector<Candidate>> Candidates(const std::string &virt_type);

  // The drivers that domains of virt_type get, primary first. Empty only where the configuration
  // says so: models = none, or allow_none with nothing active. Errc::kRefused otherwise; also if
  // one that would be asked first is broken or gone.
  Result<std::vector<Plugin *>> For(const std::string &virt_type, Use use = Use::kLook);

  // The model is gone from this machine on purpose, and not missed any more. False: it was not
  // expected.
  Result<bool> Forget(const std::string &model);

  // Those of them that stand beside the chosen one, also where none can be chosen.
  Result<std::vector<Plugin *>> Beside(const std::string &virt_type);
  bool IsBeside(const Plugin &plugin) const;

  // The driver of one model, whatever domains get now: for a domain that has its label.
  Result<Plugin *> Named(const std::string &model, const std::string &virt_type);

  // The same to take back what it did: the one that this process has used for such domains, without
  // another look at its file, or else the one of that name.
  Result<Plugin *> ToUndo(const std::string &model, const std::string &virt_type);

  // What the driver says of its model, with the configured DOI.
  Result<ModelInfo> Describe(Plugin *plugin, const std::string &virt_type) const;

  // The DOI of a model: the configured one, else what the plugin calls it itself.
  std::string DoiOf(const std::string &model, const std::string &own) const;

 private:
  struct Choice {
    std::vector<Plugin *> plugins;         // primary first
    std::optional<ExpectedModel> primary;  // as it is to be remembered
    std::vector<std::string> notes;        // why a model does not stand beside it, sentences
    // What was chosen last for this type, would be asked before, and is inactive now.
    std::optional<Candidate> passed_over;
  };
  Result<Choice> Choose(const std::string &virt_type);
  // Adds what stands beside the chosen one. selection: what was found for this type already, or
  // nullptr.
  Status ChooseBeside(const std::string &virt_type, const Selection *selection,
                      const ChosenModels::Models &before, Choice *choice);
  // False: there is nothing to warn of. A model that is passed over stays remembered.
  bool WarnOfPassedOver(const std::string &virt_type, const Choice &choice) const;
  void Warn(const std::string &sentence) const;
  Status CheckRequired(const std::string &virt_type, const std::vector<Plugin *> &plugins);
  static Error NothingActive(const std::vector<Candidate> &candidates);

  Config config_;
  std::vector<std::string> foreign_types_;
  LogSink log_;
  Loader loader_;
  ChosenModels chosen_;
  // By domain type and model: the last one that For or Named has handed out.
  std::map<std::pair<std::string, std::string>, Plugin *> used_;
};

}  // namespace svirt
