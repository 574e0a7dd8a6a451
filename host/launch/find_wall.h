// SPDX-License-Identifier: LGPL-2.1-or-later
// Which walls this machine can give to a domain.
#pragma once

#include <string>
#include <vector>

#include "host/domain/wall.h"
#include "host/util/result.h"

namespace svirt {

// What is asked for.
struct WallOptions {
  std::string keeper;                // absolute path of the keeper's program
  std::vector<std::string> without;  // names of items that are not wanted
  bool required = false;             // an item that the machine cannot give is an error
};

struct WallFindings {
  Wall wall;
  std::vector<std::string> notes;  // sentences: what it lacks because the machine cannot give it
};

// Tries what this process may make. An error: the keeper cannot be executed. Errc::kUnsupported:
// the machine cannot give what is required.
Result<WallFindings> FindWall(const WallOptions &options);

}  // namespace svirt
