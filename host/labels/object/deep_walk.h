// SPDX-License-Identifier: LGPL-2.1-or-later
// Visits a path and everything below it, one object after the other, whatever the size of the tree.
#pragma once

#include <functional>
#include <string>

#include "host/labels/object/open_resource.h"
#include "host/util/result.h"

namespace svirt {

struct DeepWalk {
  // Is given an object that is open during the call only, with its whole path. An error ends the
  // walk.
  std::function<Status(const OpenObject &object)> visit;
  // Is told of what cannot be opened or listed. The walk goes on.
  std::function<void(const Error &error)> failed;
};

// Symbolic links are neither followed nor visited, what is mounted below is passed over, and what
// vanishes meanwhile, too. Keeps one descriptor per level, and no list of names. An error also if
// the path itself cannot be opened, or leads through a symbolic link.
Status Walk(const std::string &path, const DeepWalk &walk);

}  // namespace svirt
