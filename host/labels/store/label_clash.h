// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds another domain whose label is too much like a new one.
#pragma once

#include <string>

#include "host/labels/types.h"
#include "host/util/result.h"
#include "host/util/sqlite.h"

namespace svirt {

// A sentence if another domain, which lives or whose objects still bear its label, has one that the
// owner's would have to differ from; else "". Inside the transaction that enters the label nobody
// else can come in between.
Result<std::string> FindLabelClash(Database *database, const LabelOwner &owner,
                                   const HeldLabel &held);

}  // namespace svirt
