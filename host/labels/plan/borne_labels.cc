// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the plugin which index a label takes, and makes the label of that index for comparison.
#include "host/labels/plan/borne_labels.h"

#include <algorithm>
#include <cstddef>

namespace svirt {
namespace {

constexpr size_t kMostKnown = 10000;
// More indexes than this are no label of one.
constexpr uint64_t kMostClaimed = 2;

std::optional<uint64_t> FindIndex(Plugin *plugin, const std::string &virt_type,
                                  const std::string &label) {
  DomainRef ref;
  ref.uuid = "00000000-0000-0000-0000-000000000000";
  ref.virt_type = virt_type;
  ref.seclabel.model = plugin->model();
  // By its owner's word: a plugin that was only asked would say what it knows of processes.
  ref.seclabel.type = SecLabel::Type::kStatic;
  ref.seclabel.label = label;
  const auto claim = plugin->LabelClaim(ref, label);
  if (!claim.ok() || !IsIndexSet(*claim) || CountIndexes(*claim) > kMostClaimed) {
    return std::nullopt;
  }
  ref.seclabel.type = SecLabel::Type::kDynamic;
  ref.seclabel.label.clear();
  for (uint64_t n = 0; n < CountIndexes(*claim); ++n) {
    const uint64_t index = NthIndex(*claim, n);
    const auto made = plugin->GenerateLabel(ref, index);
    if (made.ok() && made->image_label == label) {
      return index;
    }
  }
  return std::nullopt;
}

bool IsHeldAlready(const LabelContext &context, const std::string &model) {
  return context.known && std::ranges::any_of(context.known->labels, [&](const HeldLabel &held) {
           return held.model == model;
         });
}

BorneLabel MakeBorne(const ModelDraft &model, const LabelTask &task, uint64_t index,
                     const std::string &label) {
  return {.model = model.plugin->model(),
          .doi = model.info.doi,
          .index = index,
          .label = label,
          .path = task.item.path,
          .id = task.item.id};
}

}  // namespace

std::optional<uint64_t> ImageLabels::IndexOf(Plugin *plugin, const std::string &virt_type,
                                             const std::string &label) {
  if (known_.size() >= kMostKnown) {
    known_.clear();
  }
  const auto [known, is_new] = known_.try_emplace({plugin, virt_type + " " + label});
  if (is_new) {
    known->second = FindIndex(plugin, virt_type, label);
  }
  return known->second;
}

Result<std::vector<BorneLabel>> BearOwnLabel(LabelStore *store, const LabelContext &context,
                                             const Draft &draft) {
  std::vector<BorneLabel> borne;
  for (const LabelTask &task : draft.tasks) {
    const ModelDraft &model = draft.models[task.model];
    const SecLabel &seclabel = model.ref.seclabel;
    if (!task.sets_label || seclabel.type != SecLabel::Type::kDynamic || !model.index ||
        task.item.remembered ||
        task.item.old != OldLabel{OldLabel::State::kPresent, seclabel.image_label} ||
        IsHeldAlready(context, seclabel.model)) {
      continue;
    }
    SVIRT_ASSIGN(const bool used, store->journal().IsUsed(task.item));
    if (!used) {
      borne.push_back(MakeBorne(model, task, *model.index, seclabel.image_label));
    }
  }
  return borne;
}

std::vector<BorneLabel> BearOtherLabels(const Draft &draft, const std::vector<Recorded> &recorded) {
  std::vector<BorneLabel> borne;
  ImageLabels labels;
  for (size_t i = 0; i < draft.tasks.size(); ++i) {
    const LabelTask &task = draft.tasks[i];
    const ModelDraft &model = draft.models[task.model];
    const OldLabel &old = recorded[i].old;
    if (!task.sets_label || task.is_entry() || old.state != OldLabel::State::kPresent ||
        old.label == task.item.label || !model.info.is_object) {
      continue;
    }
    const auto index = labels.IndexOf(model.plugin, model.ref.virt_type, old.label);
    if (index) {
      borne.push_back(MakeBorne(model, task, *index, old.label));
    }
  }
  return borne;
}

}  // namespace svirt
