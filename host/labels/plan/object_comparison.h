// SPDX-License-Identifier: LGPL-2.1-or-later
// Compares the objects of a running domain with what the journal says that they were given.
#pragma once

#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/domain/resource.h"
#include "host/labels/plan/draft.h"
#include "host/labels/plan/mismatch.h"
#include "host/labels/store/label_store.h"
#include "host/util/result.h"

namespace svirt {

// Takes out of the manifest what cannot be opened as what it is declared, and says what that is.
std::vector<Mismatch> TakeOutMissing(Manifest *manifest);

// draft: of what the domain uses, without what is below directories; that comes and goes, and
// counts only where it was labelled and is there. manifest: all that the domain uses. unlabelled:
// paths of what was accepted without its label.
Result<std::vector<Mismatch>> CompareObjects(LabelStore *store, const Draft &draft,
                                             const Domain &domain, const Manifest &manifest,
                                             const std::vector<std::string> &unlabelled);

}  // namespace svirt
