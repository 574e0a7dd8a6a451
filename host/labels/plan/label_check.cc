// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads objects back after they were labelled.
#include "host/labels/plan/label_check.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <map>
#include <utility>

#include "host/labels/index_runs.h"
#include "host/labels/plan/path_policy.h"

namespace svirt {
namespace {

bool IsItsAlone(const LabelTask &task) {
  return task.sets_label && task.item.exclusive && !task.is_entry();
}

bool MayLackLabel(const ConfinementPolicy &policy, const LabelTask &task) {
  return IsListed(policy.allow_unlabelled, task.item.path) ||
         IsListed(policy.allow_unlabelled, task.resource.path);
}

std::string AcceptedNote(const LabelTask &task) {
  return "bears no label of its own (allow_unlabelled): model " + task.item.model +
         " does not keep other domains out of it";
}

std::string FixedConflict(const LabelTask &task) {
  return ResourceName(task.resource) + (task.below.empty() ? "" : ": " + task.below) +
         " is immutable or append-only, so that model " + task.item.model +
         " cannot label it: chattr -i or -a makes it like others, or relabel='no' leaves it as it "
         "is";
}

void Refuse(std::string sentence, PlanItem *item) {
  if (item->conflict.empty()) {
    item->conflict = std::move(sentence);
  }
}

// Asks about each mount once.
class ReadOnlyMounts {
 public:
  bool Has(const OpenObject &object) {
    const auto [known, is_new] = known_.try_emplace(object.mount, false);
    struct statvfs system {};
    if (is_new && ::fstatvfs(object.fd.get(), &system) == 0) {
      known->second = (system.f_flag & ST_RDONLY) != 0;
    }
    return known->second;
  }

 private:
  std::map<uint64_t, bool> known_;
};

}  // namespace

Result<std::string> WithoutLabel(const ConfinementPolicy &policy, const LabelTask &task,
                                 bool has_it, const std::string &why) {
  if (has_it || MayLackLabel(policy, task)) {
    return AcceptedNote(task);
  }
  return Error{Errc::kUnsupported,
               ResourceName(task.resource) +
                   " is to be the domain's alone, and does not bear the " + task.item.model +
                   " label " + task.item.label + " (" + why + ")" +
                   "; give the domain an object on a file system that keeps labels, or accept it "
                   "without one in allow_unlabelled, [confinement] of svirt.conf"};
}

Status CheckLabelable(const ConfinementPolicy &policy, LabelStore *store, bool uses_some,
                      Draft *draft) {
  ReadOnlyMounts mounts;
  for (const LabelTask &task : draft->tasks) {
    if (task.is_fixed && task.Changes()) {
      ForItems(draft, task, [&task](PlanItem *item) { Refuse(FixedConflict(task), item); });
    }
    // What is below a directory is on its file system.
    if (!IsItsAlone(task) || !task.below.empty()) {
      continue;
    }
    const bool keeps_none = task.item.old.state == OldLabel::State::kUnsupported;
    const OpenObject &object = draft->opened->objects()[task.object].opened;
    if (!keeps_none && !(task.Changes() && mounts.Has(object))) {
      continue;
    }
    bool has_it = false;
    if (uses_some) {
      SVIRT_ASSIGN(has_it,
                   store->journal().IsUsedBy(draft->models[task.model].ref.uuid, task.item));
    }
    const auto accepted = WithoutLabel(
        policy, task, has_it,
        keeps_none ? "its file system keeps none" : "its file system is mounted read-only");
    ForItems(draft, task, [&accepted](PlanItem *item) {
      item->unlabelled = accepted.ok();
      if (accepted.ok()) {
        item->note = *accepted;
      } else {
        Refuse(accepted.error().message, item);
      }
    });
  }
  return {};
}

void CheckEnforcing(const ConfinementPolicy &policy, bool starts, Draft *draft) {
  for (ModelDraft &model : draft->models) {
    if (!model.is_confined() || model.info.enforcing) {
      continue;
    }
    const std::string sentence = "model " + model.plugin->model() +
                                 " is permissive here: it reports what domain " + model.ref.name +
                                 " does that it should not, and lets it do that";
    if (!starts || !policy.require_enforcing) {
      draft->notes.push_back(sentence);
    } else if (model.refusal.empty()) {
      model.refusal =
          sentence + "; make it enforce its policy, or take require_enforcing out of svirt.conf";
    }
  }
}

Status CheckClaim(const ModelDraft &model) {
  if (model.ref.seclabel.type != SecLabel::Type::kDynamic || !model.index) {
    return {};
  }
  const std::string &label = model.ref.seclabel.label;
  SVIRT_ASSIGN(const IndexRuns claim, model.plugin->LabelClaim(model.ref, label));
  if (IsIndexSet(claim) && ContainsIndex(claim, *model.index)) {
    return {};
  }
  return Refusal("the plugin of model " + model.plugin->model() + " made the label " + label +
                 " for domain " + model.ref.name + " from number " + std::to_string(*model.index) +
                 ", and by its own word that label does not take this number from other domains: "
                 "it is defective, and may give two domains one label; ask its vendor");
}

std::vector<HeldLabel> LabelsOf(const Draft &draft) {
  std::vector<HeldLabel> labels;
  for (const ModelDraft &model : draft.models) {
    if (!model.is_confined()) {
      continue;
    }
    const SecLabel &seclabel = model.ref.seclabel;
    const bool dynamic = seclabel.type == SecLabel::Type::kDynamic;
    // A model that labels objects and has no numbers to tell domains apart lets them share its
    // labels, by its administrator's word.
    labels.push_back({.model = model.plugin->model(),
                      .doi = model.info.doi,
                      .type = seclabel.type,
                      .index = model.index,
                      .label = seclabel.label,
                      .image_label = seclabel.image_label,
                      .unique = dynamic && (model.index || model.info.is_profile),
                      .unique_image = dynamic && model.index && model.info.is_object});
  }
  return labels;
}

}  // namespace svirt
