// SPDX-License-Identifier: LGPL-2.1-or-later
// Which objects get an entry of the domain's own beside those of others: what it shares, or only
// reads, and could not open otherwise.
#include <algorithm>
#include <mutex>
#include <utility>

#include "host/labels/object/tree_walk.h"
#include "host/labels/plan/draft.h"

namespace svirt {
namespace {

LabelTask MakeEntryTask(const std::string &model, const OpenedManifest::Object &object,
                        std::string entry) {
  LabelTask task;
  task.resource = object.resource;
  task.is_fixed = object.opened.is_fixed;
  task.sets_label = true;
  task.item = {.model = model,
               .path = object.opened.path,
               .id = object.opened.id,
               .old = {},
               .label = std::move(entry),
               .extent = Extent::kEntry};
  return task;
}

// nullopt: the object needs no entry. Why it cannot have the one it needs becomes a conflict of the
// item.
Result<std::optional<LabelTask>> DraftEntry(const ModelDraft &model, const DomainRef &bare,
                                            LabelTask task, int fd, PlanItem *item) {
  const ResourceRef ref{&task.resource, fd};
  auto entry = model.plugin->PlanEntry(bare, ref);
  if (!entry.ok() &&
      (entry.error().code == Errc::kUnsupported || entry.error().code == Errc::kPermission)) {
    item->conflict = entry.error().message;
    return std::optional<LabelTask>();
  }
  if (!entry.ok()) {
    return std::move(entry).error();
  }
  if (!*entry) {
    return std::optional<LabelTask>();
  }
  task.item.label = **entry;
  const ObjectLabel label{
      .plugin = model.plugin, .extent = Extent::kEntry, .label = task.item.label};
  SVIRT_ASSIGN(task.item.old, label.Read(ref));
  return std::optional(std::move(task));
}

// The same for all that is below a directory, except what is a resource in its own right.
Status DraftEntriesBelow(const ModelDraft &model, const DomainRef &bare,
                         const OpenedManifest &opened, const OpenedManifest::Object &object,
                         PathPolicy *paths, ProgressCount *looked, PlanItem *item,
                         std::vector<LabelTask> *tasks) {
  std::mutex mutex;  // of found, item and paths
  std::vector<std::pair<size_t, LabelTask>> found;
  const LabelTask root = MakeEntryTask(model.plugin->model(), object, "");
  SVIRT_TRY(
      WalkTree(object.opened.fd.get(), [&](const OpenObject &child, size_t place) -> Result<bool> {
        if (const auto *own = opened.Find(child.id)) {
          return !own->resource.subtree;
        }
        LabelTask task = root;
        task.below = child.path;
        task.resource.path = root.resource.path + "/" + child.path;
        task.resource.object = child.type;
        task.is_fixed = child.is_fixed;
        task.resource.subtree = false;
        task.item.path = root.item.path + "/" + child.path;
        task.item.id = child.id;
        PlanItem remark;
        SVIRT_ASSIGN(auto drafted,
                     DraftEntry(model, bare, std::move(task), child.fd.get(), &remark));
        looked->Add();
        const std::lock_guard lock(mutex);
        if (paths != nullptr) {
          paths->JudgeBelow(root.resource, child);
        }
        if (drafted) {
          found.emplace_back(place, *std::move(drafted));
        }
        if (item->conflict.empty()) {
          item->conflict = std::move(remark.conflict);
        }
        return true;
      }));
  std::sort(found.begin(), found.end(),
            [](const auto &a, const auto &b) { return a.first < b.first; });
  for (auto &[place, task] : found) {
    tasks->push_back(std::move(task));
  }
  return {};
}

}  // namespace

Result<std::vector<LabelTask>> DraftEntries(const ModelDraft &model, const DomainRef &bare,
                                            const OpenedManifest &opened,
                                            const OpenedManifest::Object &object, PathPolicy *paths,
                                            ProgressCount *looked, PlanItem *item) {
  std::vector<LabelTask> tasks;
  SVIRT_ASSIGN(auto own, DraftEntry(model, bare, MakeEntryTask(model.plugin->model(), object, ""),
                                    object.opened.fd.get(), item));
  if (own) {
    if (own->item.old.state == OldLabel::State::kPresent) {
      item->current = own->item.old.label;
    }
    tasks.push_back(*std::move(own));
  }
  if (object.resource.subtree && object.opened.type == ObjectType::kDir) {
    SVIRT_TRY(DraftEntriesBelow(model, bare, opened, object, paths, looked, item, &tasks));
  }
  if (!tasks.empty()) {
    item->action = ResourcePlan::Action::kEntry;
    item->label = tasks.front().item.label;
    item->changes = std::ranges::any_of(tasks, &LabelTask::Changes);
  }
  return tasks;
}

}  // namespace svirt
