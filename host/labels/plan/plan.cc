// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers questions about a whole plan.
#include "host/labels/plan/plan.h"

#include <algorithm>

namespace svirt {

bool Plan::has_changes() const {
  return std::any_of(items.begin(), items.end(), [](const PlanItem &item) { return item.changes; });
}

bool Plan::has_conflict() const {
  return std::any_of(models.begin(), models.end(),
                     [](const ModelLabels &model) { return !model.conflict.empty(); }) ||
         std::any_of(items.begin(), items.end(),
                     [](const PlanItem &item) { return !item.conflict.empty(); });
}

std::vector<SecLabel> Plan::seclabels() const {
  std::vector<SecLabel> list;
  for (const ModelLabels &labels : models) {
    list.push_back(labels.seclabel);
  }
  return list;
}

std::vector<std::string> Plan::unlabelled() const {
  std::vector<std::string> paths;
  for (const PlanItem &item : items) {
    const std::string &path = manifest.resources[item.resource].path;
    if (item.unlabelled && std::ranges::find(paths, path) == paths.end()) {
      paths.push_back(path);
    }
  }
  return paths;
}

}  // namespace svirt
