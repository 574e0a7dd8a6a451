// SPDX-License-Identifier: LGPL-2.1-or-later
// Applies a change to all plan items of a task, and turns a draft into a plan.
#include "host/labels/plan/draft.h"

#include <utility>

namespace svirt {

void ForItems(Draft *draft, const LabelTask &task, const std::function<void(PlanItem *)> &change) {
  const std::string &model = draft->models[task.model].plugin->model();
  for (PlanItem &item : draft->items) {
    if (item.model == model && draft->opened->ObjectOf(item.resource) == task.object) {
      change(&item);
    }
  }
}

Plan ToPlan(Draft draft) {
  Plan plan;
  plan.manifest = draft.opened->manifest();
  plan.items = std::move(draft.items);
  plan.notes = std::move(draft.notes);
  for (ModelDraft &model : draft.models) {
    std::string &conflict = model.conflict.empty() ? model.refusal : model.conflict;
    plan.models.push_back({.model = model.plugin->model(),
                           .doi = model.info.doi,
                           .seclabel = std::move(model.ref.seclabel),
                           .enforcing = model.info.enforcing,
                           .conflict = std::move(conflict)});
  }
  plan.opened = std::move(draft.opened);
  return plan;
}

}  // namespace svirt
