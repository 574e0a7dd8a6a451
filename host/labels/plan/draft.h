// SPDX-License-Identifier: LGPL-2.1-or-later
// The draft of a start: each object with the label it is to get and the one it has.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/labels/object/object_label.h"
#include "host/labels/plan/opened_manifest.h"
#include "host/labels/plan/path_policy.h"
#include "host/labels/plan/plan.h"
#include "host/labels/plan/seclabel_rules.h"
#include "host/labels/store/label_store.h"
#include "host/loader/plugin.h"
#include "host/util/progress.h"
#include "host/util/result.h"

namespace svirt {

// A domain under one model: how the plugin is shown it, with its labels.
struct ModelDraft {
  Plugin *plugin = nullptr;
  ModelInfo info;
  DomainRef ref;  // resources as in the manifest; seclabel with label and image label
  std::optional<uint64_t> index;
  std::string conflict;  // why the label cannot be had; "" if it can
  std::string refusal;   // why the domain cannot run under it; "" if it can

  bool is_confined() const { return ref.seclabel.type != SecLabel::Type::kNone; }
};

// One object that a model labels, or whose use it has to know.
struct LabelTask {
  size_t model = 0;   // place of its ModelDraft
  size_t object = 0;  // place in the OpenedManifest
  std::string below;  // the object is this, below that directory; "": that object itself
  Resource resource;  // as the plugin is shown it
  JournalItem item;
  bool sets_label = false;  // false: the use alone is entered
  bool is_fixed = false;    // the object: see OpenObject
  bool keeps_tree = false;  // a directory that is to be whole afterwards, with all that is below

  bool is_entry() const { return item.extent == Extent::kEntry; }

  bool Changes() const {
    return sets_label && item.old.state != OldLabel::State::kUnsupported &&
           item.old != OldLabel{OldLabel::State::kPresent, item.label};
  }
};

// What is going to be done, before anything is done.
struct Draft {
  std::shared_ptr<OpenedManifest> opened;
  std::vector<ModelDraft> models;
  std::vector<LabelTask> tasks;
  std::vector<PlanItem> items;
  std::vector<std::string> notes;
  ProgressSink progress;  // told how far work on it has come

  // What was decided for what is opened is decided anew.
  void Clear() {
    models.clear();
    tasks.clear();
    items.clear();
  }
};

// How a plugin is shown the domain under a seclabel.
DomainRef MakeDomainRef(const Domain &domain, const SecLabel &seclabel,
                        std::vector<ResourceRef> resources);

// kPeek: which label the domain would get; nothing is entered anywhere. kAcquire: it is reserved.
enum class LabelMode { kPeek, kAcquire };

// What a domain's labels are decided from, besides what its owner wants.
struct LabelContext {
  LabelStore *store = nullptr;
  LabelMode mode = LabelMode::kPeek;
  std::string proc;  // where the host's processes are
  // The process that runs under the labels of the choice already, which it keeps; or -1.
  pid_t pid = -1;
  std::optional<OwnerState> known = std::nullopt;  // of the domain, and
  StoreMark mark = {};                             // of the same moment
  // kPeek: indexes that Acquire would not give either, by model.
  std::map<std::string, IndexRuns> avoid = {};
};

// Decides the domain's label under the choice's model. With kPeek a label that cannot be had is a
// conflict of the draft, with kAcquire an error.
Result<ModelDraft> DraftLabels(LabelContext *context, const Domain &domain,
                               const ModelChoice &choice, const OpenedManifest &opened);

// Decides the label of each object, or the domain's entry on it, under each model, reads what is
// there now, and fills draft->tasks and draft->items. What is below a directory that is whole is
// passed over.
// paths: judges what lies below directories; nullptr: what a running domain has stays.
Status DraftResources(LabelStore *store, const ConfinementPolicy &policy, PathPolicy *paths,
                      Draft *draft);

// The tasks of an object to which the model gives no label; completes the item. looked: counts what
// is looked at.
Result<std::vector<LabelTask>> DraftEntries(const ModelDraft &model, const DomainRef &bare,
                                            const OpenedManifest &opened,
                                            const OpenedManifest::Object &object, PathPolicy *paths,
                                            ProgressCount *looked, PlanItem *item);

// What the task puts onto its object.
ObjectLabel LabelOf(const Draft &draft, const LabelTask &task);

// Calls change for the items of the plan that the task belongs to.
void ForItems(Draft *draft, const LabelTask &task, const std::function<void(PlanItem *)> &change);

Plan ToPlan(Draft draft);

// The object of a task: the plan's own descriptor, or one opened for the purpose, which is checked
// to be the object the task was made for.
class TaskObject {
 public:
  static Result<TaskObject> Open(const Draft &draft, const LabelTask &task);
  ResourceRef ref(const LabelTask &task) const { return {&task.resource, fd_}; }

 private:
  Fd own_;
  int fd_ = -1;
};

}  // namespace svirt
