// SPDX-License-Identifier: LGPL-2.1-or-later
// Contexts, levels and pairs of categories are the SDK's, for SELinux is not alone in having them.
#pragma once

#include <svirt/sdk_category_pair.h>
#include <svirt/sdk_context.h>

namespace svirt::selinux {

using sdk::CategoryPair;
using sdk::CategorySet;
using sdk::Context;
using sdk::FormatContext;
using sdk::FormatLevel;
using sdk::FormatRange;
using sdk::kCategories;
using sdk::kPairs;
using sdk::Level;
using sdk::PairIndex;
using sdk::PairOfIndex;
using sdk::PairsTouchedBy;
using sdk::PairsWithin;
using sdk::ParseContext;
using sdk::Range;

}  // namespace svirt::selinux
