// SPDX-License-Identifier: LGPL-2.1-or-later
// Decides which models confine a domain, and with which seclabel.
#pragma once

#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/domain/resource.h"
#include "host/labels/plan/path_policy.h"
#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt {

// What the host's configuration says about domains without a word of their own.
struct ConfinementPolicy {
  bool default_confined = true;    // a domain without <seclabel> is confined
  bool require_confined = false;   // type='none' is refused
  bool keep_trees = false;         // what is below directories stays labelled for the next start
  bool export_labels = false;      // old labels are written onto files, for other hosts
  bool require_enforcing = false;  // a model that is permissive is refused
  PathRules paths = {};            // what no domain gets
  // What may be a domain's alone without bearing its label; in the form of PathRules::allowed.
  std::vector<std::string> allow_unlabelled = {};
  bool has_primary = true;  // the first plugin is the one that a seclabel without model means
};

// One model that applies to a domain, and the seclabel it applies with: model named, type decided.
struct ModelChoice {
  Plugin *plugin = nullptr;
  SecLabel seclabel;
};

// The seclabel of each plugin's model for the domain, in the order of the plugins. A seclabel
// without model is meant for the first, if that is the primary. Refuses a domain that names a model
// none of the plugins is of (unless it wants none of it), or that wants less confinement than the
// policy asks for.
Result<std::vector<ModelChoice>> ChooseModels(const Domain &domain,
                                              const std::vector<Plugin *> &plugins,
                                              const ConfinementPolicy &policy);

// The same for a running domain: the seclabels are those it runs under, with their labels. Refuses
// (kUnsupported) a plugin whose model it was started without.
Result<std::vector<ModelChoice>> ModelsOfRunning(const Domain &running,
                                                 const std::vector<Plugin *> &plugins);

// nullptr: there is none of that model.
Plugin *FindPlugin(const std::vector<Plugin *> &plugins, const std::string &model);

// Does the domain's owner want the model to leave the label of this resource alone?
bool KeepsItsLabel(const Resource &resource, const SecLabel &seclabel);

}  // namespace svirt
