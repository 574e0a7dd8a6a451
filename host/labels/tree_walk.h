// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

#include "host/labels/open_resource.h"
#include "host/util/result.h"

namespace svirt {

// Is given an object that is open during the call only, its path relative to the directory walked;
// answers whether to go into it, if it is a directory.
using TreeVisitor = std::function<Result<bool>(const OpenObject &object)>;

// Calls visit for every file, directory, socket and fifo below the directory (not for itself), a
// directory before what is in it. Symbolic links are not followed and not visited, nor are device
// nodes and what is mounted below. What vanishes meanwhile is passed over. Stops at the first
// error.
Status WalkTree(int directory, const TreeVisitor &visit);

}  // namespace svirt
