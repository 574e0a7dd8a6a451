// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a domain's labels will hold: on objects that keep them, under models that enforce them,
// and unlike those of all other domains. What stands against that becomes a conflict of the draft,
// so that a plan says it and a start does not come to pass.
#pragma once

#include <string>

#include "host/labels/plan/draft.h"
#include "host/labels/plan/seclabel_rules.h"
#include "host/util/result.h"

namespace svirt {

// An object that is to be the domain's alone, and cannot be labelled, is refused, or accepted by
// name: nothing else on it would keep other domains out. uses_some: the domain lives, and keeps
// what it uses already.
Status CheckLabelable(const ConfinementPolicy &policy, LabelStore *store, bool uses_some,
                      Draft *draft);

// The same for an object that does not bear its label after it was labelled. has_it: the domain
// lives and used it before. A note about the object if it is accepted.
Result<std::string> WithoutLabel(const ConfinementPolicy &policy, const LabelTask &task,
                                 bool has_it, const std::string &why);

// A model that is permissive reports what a domain does and stops nothing. starts: the domain does
// not run yet.
void CheckEnforcing(const ConfinementPolicy &policy, bool starts, Draft *draft);

// Is the label made from an index also one that takes this index from all other domains? The host
// does not trust a plugin's arithmetic.
Status CheckClaim(const ModelDraft &model);

// The labels of the draft as the registry keeps them.
std::vector<HeldLabel> LabelsOf(const Draft &draft);

}  // namespace svirt
