// SPDX-License-Identifier: LGPL-2.1-or-later
// Which label each object of a domain gets.
#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "host/labels/object/label_mark.h"
#include "host/labels/object/tree_walk.h"
#include "host/labels/plan/draft.h"

namespace svirt {
namespace {

// Under a profile model nothing on the object tells that a domain has it for itself, so the journal
// has to: an image that one guest writes is no other guest's.
bool IsExclusiveUse(const Resource &resource) {
  return (resource.kind == ResourceKind::kDisk || resource.kind == ResourceKind::kNvram) &&
         (resource.access & kAccessWrite) != 0 && !resource.shared;
}

// The plugin is shown the resource alone: its decision does not depend on the others (see
// resource_plan_label), and a list of them each time would cost their number squared.
DomainRef WithoutResources(const DomainRef &ref) {
  DomainRef bare = ref;
  bare.resources.clear();
  return bare;
}

ResourceRef RefOf(const OpenedManifest::Object &object) {
  return {.resource = &object.resource,
          .fd = object.opened.fd.get(),
          .is_real = object.opened.path == object.resource.path};
}

Result<PlanItem> Decide(const ModelDraft &model, const DomainRef &bare, ResourceRef ref) {
  ref.as_it_is = KeepsItsLabel(*ref.resource, model.ref.seclabel);
  PlanItem item;
  item.model = model.plugin->model();
  if (!model.is_confined() || !model.conflict.empty()) {
    return item;
  }
  SVIRT_ASSIGN(ResourcePlan plan, model.plugin->PlanResource(bare, ref));
  if (plan.action == ResourcePlan::Action::kNone) {
    item.note = std::move(plan.note);
  } else if (plan.action == ResourcePlan::Action::kSet && ref.as_it_is) {
    item.note = "keeps its label, as the domain's owner wants it (relabel='no')";
  } else {
    static_cast<ResourcePlan &>(item) = std::move(plan);
    item.exclusive |= item.action == ResourcePlan::Action::kGrant && IsExclusiveUse(*ref.resource);
  }
  return item;
}

// Without a label there may be an entry of the domain's own.
Result<bool> MayEnter(const ModelDraft &model, const Resource &resource, const PlanItem &item) {
  if (item.action != ResourcePlan::Action::kNone || !model.is_confined() ||
      !model.conflict.empty() || KeepsItsLabel(resource, model.ref.seclabel)) {
    return false;
  }
  return model.plugin->HasEntries();
}

LabelTask MakeTask(const OpenedManifest::Object &object, const PlanItem &item) {
  LabelTask task;
  task.resource = object.resource;
  task.is_fixed = object.opened.is_fixed;
  task.sets_label = item.action == ResourcePlan::Action::kSet;
  task.item = {.model = item.model,
               .path = object.opened.path,
               .id = object.opened.id,
               .old = {OldLabel::State::kUnsupported, ""},
               .label = task.sets_label ? item.label : "",
               .exclusive = item.exclusive,
               .keep = item.keep};
  return task;
}

// Tasks for all that is below a directory: the same label for everything in it, except what is a
// resource in its own right.
Status AddSubtree(const ModelDraft &model, const OpenedManifest &opened,
                  const OpenedManifest::Object &object, PathPolicy *paths, ProgressCount *looked,
                  const LabelTask &root, std::vector<LabelTask> *tasks) {
  const bool inherits = root.item.extent == Extent::kTree && root.item.exclusive &&
                        model.ref.seclabel.type == SecLabel::Type::kDynamic;
  std::mutex mutex;  // of found and paths
  std::vector<std::pair<size_t, LabelTask>> found;
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
        task.item.below = true;
        task.item.inherits = inherits && OutlivesItsMaker(child.type);
        task.item.extent = Extent::kObject;
        SVIRT_ASSIGN(task.item.old, ReadLabel(model.plugin, {&task.resource, child.fd.get()}));
        looked->Add();
        const std::lock_guard lock(mutex);
        if (paths != nullptr) {
          paths->JudgeBelow(root.resource, child);
        }
        found.emplace_back(place, std::move(task));
        return true;
      }));
  std::sort(found.begin(), found.end(),
            [](const auto &a, const auto &b) { return a.first < b.first; });
  for (auto &[place, task] : found) {
    tasks->push_back(std::move(task));
  }
  return {};
}

// What other hosts have written onto the file counts if it bears the label that they gave it.
Status PlanMark(const LabelStore &store, const ModelDraft &model,
                const OpenedManifest::Object &object, JournalItem *item) {
  SVIRT_ASSIGN([[maybe_unused]] const std::string host, store.HostName());
  item->marked = item->old.state != OldLabel::State::kUnsupported;
  SVIRT_ASSIGN(const auto marks, ReadMarks(object.opened.fd.get(), item->model));
  for (const LabelMark &mark : marks) {
    if (mark.doi == model.info.doi &&
        item->old == OldLabel{OldLabel::State::kPresent, mark.label}) {
      item->remembered = JournalItem::Remembered{mark.old, mark.label};
    }
  }
  return {};
}

// The tasks of one object under one model; completes the item.
Result<std::vector<LabelTask>> MakeTasks(LabelStore *store, const ConfinementPolicy &policy,
                                         const ModelDraft &model, const DomainRef &bare,
                                         const OpenedManifest &opened,
                                         const OpenedManifest::Object &object, PathPolicy *paths,
                                         ProgressCount *looked, PlanItem *item) {
  SVIRT_ASSIGN(const bool may_enter, MayEnter(model, object.resource, *item));
  if (may_enter) {
    return DraftEntries(model, bare, opened, object, paths, looked, item);
  }
  std::vector<LabelTask> tasks;
  const bool sets = item->action == ResourcePlan::Action::kSet;
  if (sets) {
    LabelTask task = MakeTask(object, *item);
    SVIRT_ASSIGN(task.item.old, ReadLabel(model.plugin, {&task.resource, object.opened.fd.get()}));
    if (task.item.old.state == OldLabel::State::kPresent) {
      item->current = task.item.old.label;
    } else if (task.item.old.state == OldLabel::State::kUnsupported) {
      item->note = "its file system keeps no labels";
    }
    if (policy.export_labels && object.opened.type == ObjectType::kFile && !item->keep) {
      SVIRT_TRY(PlanMark(*store, model, object, &task.item));
    }
    tasks.push_back(std::move(task));
    if (object.resource.subtree && object.opened.type == ObjectType::kDir) {
      // The directory for the run is made anew each time.
      const bool lasting = object.resource.kind != ResourceKind::kRundir;
      const bool keeps = policy.keep_trees && lasting;
      tasks.front().item.extent = lasting ? Extent::kTree : Extent::kObject;
      const LabelTask root = tasks.front();
      bool whole = false;
      if (keeps && !root.Changes()) {
        SVIRT_ASSIGN(whole, store->journal().IsWhole(model.ref.uuid, root.item));
      }
      if (whole) {
        tasks.front().item.extent = Extent::kWhole;
        item->note = "labelled at an earlier start, with all that was below it then";
      } else {
        SVIRT_TRY(AddSubtree(model, opened, object, paths, looked, root, &tasks));
        tasks.front().keeps_tree = keeps;
      }
    }
    for (const LabelTask &each : tasks) {
      item->changes = item->changes || each.Changes();
    }
  } else if (item->action == ResourcePlan::Action::kGrant && item->exclusive) {
    tasks.push_back(MakeTask(object, *item));
  }
  return tasks;
}

// A resource that is not there yet: nothing to label, but a profile may grant it.
Result<PlanItem> DecideMissing(const ModelDraft &model, const DomainRef &bare,
                               const Resource &resource) {
  SVIRT_ASSIGN(PlanItem item, Decide(model, bare, {&resource, -1}));
  if (item.action == ResourcePlan::Action::kSet) {
    const bool created =
        resource.object == ObjectType::kFile && (resource.access & kAccessCreate) != 0;
    // The host makes these. Nothing that is there is changed by that.
    const bool made = resource.kind == ResourceKind::kRundir ||
                      resource.kind == ResourceKind::kLog || resource.kind == ResourceKind::kNvram;
    item.changes = created;
    if (item.note.empty()) {
      item.note = created || made ? "does not exist yet; is created at start"
                                  : "does not exist yet; the domain creates it";
    }
  }
  return item;
}

}  // namespace

ObjectLabel LabelOf(const Draft &draft, const LabelTask &task) {
  return {.plugin = draft.models[task.model].plugin,
          .extent = task.item.extent,
          .label = task.item.label};
}

Result<TaskObject> TaskObject::Open(const Draft &draft, const LabelTask &task) {
  TaskObject object;
  const int root = draft.opened->objects()[task.object].opened.fd.get();
  if (task.below.empty()) {
    object.fd_ = root;
    return object;
  }
  SVIRT_ASSIGN(OpenObject opened, OpenExactly(root, task.below));
  if (opened.id != task.item.id) {
    return Error{Errc::kNotFound, task.item.path + " was replaced by another object"};
  }
  object.own_ = std::move(opened.fd);
  object.fd_ = object.own_.get();
  return object;
}

Status DraftResources(LabelStore *store, const ConfinementPolicy &policy, PathPolicy *paths,
                      Draft *draft) {
  const OpenedManifest &opened = *draft->opened;
  ProgressCount looked(draft->progress, "looking", 0);
  // Place in draft->items of what was decided for each object under each model.
  std::vector<std::optional<size_t>> decided(opened.objects().size() * draft->models.size());
  std::vector<DomainRef> bare;
  for (const ModelDraft &model : draft->models) {
    bare.push_back(WithoutResources(model.ref));
  }
  for (size_t r = 0; r < opened.manifest().resources.size(); ++r) {
    const auto place = opened.ObjectOf(r);
    for (size_t m = 0; m < draft->models.size(); ++m) {
      const ModelDraft &model = draft->models[m];
      if (!place) {
        SVIRT_ASSIGN(PlanItem item, DecideMissing(model, bare[m], opened.manifest().resources[r]));
        draft->items.push_back(std::move(item));
      } else if (auto &known = decided[*place * draft->models.size() + m]) {
        draft->items.push_back(draft->items[*known]);
      } else {
        const OpenedManifest::Object &object = opened.objects()[*place];
        SVIRT_ASSIGN(PlanItem item, Decide(model, bare[m], RefOf(object)));
        SVIRT_ASSIGN(std::vector<LabelTask> tasks, MakeTasks(store, policy, model, bare[m], opened,
                                                             object, paths, &looked, &item));
        for (LabelTask &task : tasks) {
          task.model = m;
          task.object = *place;
          draft->tasks.push_back(std::move(task));
        }
        known = draft->items.size();
        draft->items.push_back(std::move(item));
      }
      draft->items.back().resource = r;
    }
  }
  return {};
}

}  // namespace svirt
