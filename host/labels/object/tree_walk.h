// SPDX-License-Identifier: LGPL-2.1-or-later
// Visits everything below a directory without leaving it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "host/labels/object/open_resource.h"
#include "host/util/result.h"

namespace svirt {

// Is given an object that is open during the call only, its path relative to the directory walked,
// and its place in the order of the walk, in which a directory comes before what is in it; answers
// whether to go into it, if it is a directory. Several threads may call at once.
using TreeVisitor = std::function<Result<bool>(const OpenObject &object, size_t place)>;

// Calls visit for every file, directory, socket and fifo below the directory (not for itself).
// Symbolic links are not followed and not visited, nor are device nodes and what is mounted below.
// What vanishes meanwhile is passed over. Ends at an error.
Status WalkTree(int directory, const TreeVisitor &visit);

// Of an object that a domain made below its directory: is it of use to anybody when the domain has
// ended? Of a socket or a fifo the other end has gone.
inline bool OutlivesItsMaker(ObjectType type) {
  return type == ObjectType::kFile || type == ObjectType::kDir;
}

}  // namespace svirt
