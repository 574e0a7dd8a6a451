// SPDX-License-Identifier: LGPL-2.1-or-later
// The walls around a domain's processes that are the same whatever its model, as plain data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace svirt {

// One thing that the processes of a domain are kept apart by.
enum class WallItem {
  kPidNamespace,  // and a keeper as its process 1, with whose end all of them end
  kIpcNamespace,  // System V objects and POSIX message queues; needs the keeper
};

// "pid-namespace", "ipc-namespace": the word in settings, plans and dominfo.
std::string_view WallItemName(WallItem item);
// All of those words.
std::vector<std::string> WallItemNames();

// What a domain gets.
struct Wall {
  std::string keeper;  // absolute path of its program; "" for no namespaces at all
  bool ipc_namespace = false;
  // The others are made in a user namespace of this user's own, who has no privilege to make them.
  bool user_namespace = false;

  // Names of what it has.
  std::vector<std::string> Names() const;
};

}  // namespace svirt
