// SPDX-License-Identifier: LGPL-2.1-or-later
// The table borne of the label database, and the owners that stand for its rows: all their SQL.
// What changes something needs a Transaction around it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/labels/types.h"
#include "host/util/result.h"
#include "host/util/sqlite.h"

namespace svirt {

// An index that objects bear is taken by an owner of its own, which is foreign and lives as long as
// it has a row here.

// The owner of the index in the space; entered if it is not there. It has taken nothing yet then.
Result<int64_t> EnterBorneOwner(Database *database, int64_t space, const BorneLabel &object);
// boot: this boot's number.
Status EnterBorneRow(Database *database, int64_t owner, const BorneLabel &object, int64_t boot);
Result<std::vector<BorneLabel>> BorneRows(Database *database, int64_t boot);
// An owner without any other row goes with it.
Status DropBorneRow(Database *database, const BorneLabel &object);
// With all rows of it.
Status ForgetBorneOwner(Database *database, int64_t owner);

}  // namespace svirt
