// SPDX-License-Identifier: LGPL-2.1-or-later
// The walls around a domain's processes that are the same whatever its model.
#pragma once

#include <string>
#include <vector>

#include "host/util/result.h"

namespace svirt {

// One thing that the processes of a domain are kept apart by.
enum class WallItem {
  kPidNamespace,  // and a keeper as its process 1, with whose end all of them end
  kIpcNamespace,  // System V objects and POSIX message queues; needs the keeper
};

// "pid-namespace", "ipc-namespace": the word in settings, plans and dominfo.
std::string_view WallItemName(WallItem item);
// All of those words.
const std::vector<std::string> &WallItemNames();

// What is asked for.
struct WallOptions {
  std::string keeper;                // absolute path of the keeper's program
  std::vector<std::string> without;  // names of items that are not wanted
  bool required = false;             // an item that the machine cannot give is an error
};

// What a domain gets.
struct Wall {
  std::string keeper;  // absolute path; "" for no namespaces at all
  bool ipc_namespace = false;
  // The others are made in a user namespace of this user's own, who has no privilege to make them.
  bool user_namespace = false;

  // Names of what it has.
  std::vector<std::string> Names() const;
};

struct WallFindings {
  Wall wall;
  std::vector<std::string> notes;  // sentences: what it lacks because the machine cannot give it
};

// Tries what this process may make. Errc::kUnsupported: the machine cannot give what is required.
Result<WallFindings> FindWall(const WallOptions &options);

}  // namespace svirt
