// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of walls.
#include "host/domain/wall.h"

namespace svirt {

std::string_view WallItemName(WallItem item) {
  return item == WallItem::kPidNamespace ? "pid-namespace" : "ipc-namespace";
}

std::vector<std::string> WallItemNames() {
  return Wall{.keeper = "/", .ipc_namespace = true, .user_namespace = false}.Names();
}

std::vector<std::string> Wall::Names() const {
  std::vector<std::string> names;
  if (!keeper.empty()) {
    names.emplace_back(WallItemName(WallItem::kPidNamespace));
  }
  if (ipc_namespace) {
    names.emplace_back(WallItemName(WallItem::kIpcNamespace));
  }
  return names;
}

}  // namespace svirt
