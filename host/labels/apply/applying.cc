// SPDX-License-Identifier: LGPL-2.1-or-later
// The one way in which labels get onto objects, and back if not all of them do.
#include "host/labels/apply/applying.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>
#include <utility>

#include "host/labels/apply/undo.h"
#include "host/labels/object/label_mark.h"
#include "host/labels/plan/borne_labels.h"
#include "host/labels/plan/foreign_hands.h"
#include "host/labels/plan/label_check.h"
#include "host/util/end_request.h"
#include "host/util/parallel.h"

namespace svirt {
namespace {

// How many objects are labelled before it is asked again whether a signal ends that.
constexpr size_t kObjectsBetweenLooks = 16;

Result<OldLabel> Reread(Draft *draft, size_t place) {
  LabelTask &task = draft->tasks[place];
  if (!task.sets_label) {
    return task.item.old;
  }
  auto object = TaskObject::Open(*draft, task);
  if (!object.ok() && object.error().code == Errc::kNotFound) {
    return task.item.old;  // vanished from its directory; SetObjectLabel finds out, too
  }
  if (!object.ok()) {
    return object.error();
  }
  SVIRT_ASSIGN(task.item.old, LabelOf(*draft, task).Read(object->ref(task)));
  return task.item.old;
}

// What was seen of one object while it was labelled.
struct Outcome {
  std::string note;
  bool unlabelled = false;  // it is accepted without its label
};

// has_it: the domain lives and used it before.
Result<Outcome> SetObjectLabel(LabelStore *store, const ConfinementPolicy &policy,
                               const Draft &draft, const LabelTask &task, bool has_it) {
  const auto object = TaskObject::Open(draft, task);
  if (!object.ok() && object.error().code == Errc::kNotFound) {
    // It was inside a directory in use; what has taken its place is not our choice.
    return Outcome();
  }
  if (!object.ok()) {
    return object.error();
  }
  const ObjectLabel label = LabelOf(draft, task);
  const auto status = label.Set(store, object->ref(task));
  if (!status.ok() && (status.error().code != Errc::kUnsupported || task.is_entry())) {
    return status.error();
  }
  if (!task.item.exclusive || task.is_entry()) {
    // The object keeps the label its file system has for all; the security module decides by that.
    return Outcome{status.ok() ? "" : "cannot be labelled: " + status.error().message};
  }
  std::string why = status.ok() ? "" : status.error().message;
  if (status.ok()) {
    SVIRT_ASSIGN(const OldLabel now, label.Read(object->ref(task)));
    if (now == OldLabel{OldLabel::State::kPresent, task.item.label}) {
      return Outcome();
    }
    why = now.label.empty() ? "it has none" : "it has " + now.label;
  }
  SVIRT_ASSIGN(std::string note, WithoutLabel(policy, task, has_it, why));
  return Outcome{std::move(note), true};
}

// Labels are on the disk before it is remembered that nobody need look at them again.
Status SyncTree(int directory, const std::string &path) {
  const Fd fd(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::syncfs(fd.get()) != 0) {
    return SystemError(errno, "cannot sync the labels below " + path);
  }
  return {};
}

// All that stands against the domain and its resources, in one sentence.
Status CheckItems(const Draft &draft) {
  std::string conflicts;
  const auto add = [&conflicts](const std::string &conflict) {
    if (!conflict.empty() && conflicts.find(conflict) == std::string::npos) {
      conflicts += (conflicts.empty() ? "" : "; ") + conflict;
    }
  };
  for (const ModelDraft &model : draft.models) {
    add(model.refusal);
  }
  for (const PlanItem &item : draft.items) {
    add(item.conflict);
  }
  return conflicts.empty() ? Status() : Error{Errc::kRefused, conflicts};
}

// A domain that comes from another host has its objects' labels from there.
Status CheckArrival(const OwnerState &held, const std::vector<HeldLabel> &labels) {
  for (const HeldLabel &theirs : held.labels) {
    const bool same = std::any_of(labels.begin(), labels.end(), [&theirs](const HeldLabel &ours) {
      return ours.model == theirs.model && ours.image_label == theirs.image_label;
    });
    if (!same) {
      return Error{Errc::kRefused,
                   "objects of domain " + held.owner.name + " have the " + theirs.model +
                       " label " + theirs.image_label +
                       " from the host that it comes from, and would have another one here; start "
                       "it from the same XML, or end this with 'svirt handover cancel'"};
    }
  }
  return {};
}

}  // namespace

Status Applying::Begin() {
  SVIRT_ASSIGN(context_.known, store_->registry().Describe(owner_.uuid, &context_.mark));
  was_alive_ = before() && before()->IsLive();
  if (before() && (before()->handover == HandoverState::kOutgoing ||
                   before()->handover == HandoverState::kGone)) {
    return Error{Errc::kConflict, "domain " + owner_.name + " (" + owner_.uuid +
                                      ") is being handed over to another host"};
  }
  return {};
}

Status Applying::Run(const Domain &domain, const Manifest &manifest,
                     std::shared_ptr<OpenedManifest> opened,
                     const std::vector<ModelChoice> &choices, const Manifest &known) {
  if (was_alive_ && before()->interrupted) {
    // What comes now would make one forget what that was.
    UndoScope half_done;
    half_done.interrupted = true;
    SVIRT_TRY(Undo(store_, plugins_, owner_.uuid, half_done, false, &draft.notes));
  }
  SVIRT_ASSIGN(PathPolicy paths, PathPolicy::Prepare(policy_.paths));
  if (opened == nullptr) {
    SVIRT_ASSIGN(opened, OpenedManifest::Open(manifest, &paths, known));
  }
  draft.opened = std::move(opened);
  SVIRT_TRY(draft.opened->Complete(&paths));
  SVIRT_TRY(MakeDraft(domain, choices, &paths));
  SVIRT_TRY(paths.Verdict());
  SVIRT_TRY(CheckLabelable(policy_, store_, was_alive_, &draft));
  CheckEnforcing(policy_, context_.pid < 0, &draft);
  if (!arrives() && adopted_ == nullptr) {
    SVIRT_TRY(CheckForeignHands(store_, owner_.uuid, was_alive_, context_.proc, &draft));
  }
  SVIRT_TRY(CheckItems(draft));
  SVIRT_TRY(CheckGoesOn());
  if (adopted_ != nullptr) {
    ForgetOwnLabels();
  }
  const std::vector<HeldLabel> labels = LabelsOf(draft);
  if (labels.empty()) {
    return {};  // unconfined by every model: nothing to remember
  }
  SVIRT_ASSIGN(recorded_, Record(labels));
  if (const auto borne = BearOtherLabels(draft, recorded_); !borne.empty()) {
    SVIRT_TRY(store_->registry().EnterBorne(borne));
  }
  for (size_t i = 0; i < draft.tasks.size(); ++i) {
    SVIRT_TRY(MarkObject(i));
  }
  SVIRT_TRY(SetLabels());
  for (const PlanItem &item : draft.items) {
    if (item.unlabelled) {
      draft.notes.push_back(draft.opened->manifest().resources[item.resource].path + " " +
                            item.note);
    }
  }
  SVIRT_TRY(KeepTrees());
  if (was_alive_) {
    SVIRT_TRY(store_->journal().Settle(owner_.uuid));
  }
  const bool may_drop = context_.pid > 0 || (before() && before()->processes.empty() && !arrives());
  if (before() && before()->objects > 0 && may_drop) {
    UndoScope stale;
    stale.even_whole = true;
    for (size_t i = 0; i < recorded_.size(); ++i) {
      const bool whole = draft.tasks[i].item.extent == Extent::kWhole;
      (whole ? stale.except_below : stale.except).push_back(recorded_[i].object);
    }
    // What is left of an earlier start does not stop this one; it stays in the journal.
    auto status = Undo(store_, plugins_, owner_.uuid, stale, false, &draft.notes);
    if (!status.ok()) {
      draft.notes.push_back(std::move(status).error().message);
    }
  }
  return {};
}

Status Applying::Reserve(const Domain &domain, const Manifest &manifest,
                         const std::vector<ModelChoice> &choices) {
  SVIRT_ASSIGN(PathPolicy paths, PathPolicy::Prepare(policy_.paths));
  SVIRT_ASSIGN(draft.opened, OpenedManifest::Open(manifest, &paths));
  SVIRT_TRY(MakeDraft(domain, choices, nullptr));
  draft.tasks.clear();  // nothing is recorded of them yet
  const std::vector<HeldLabel> labels = LabelsOf(draft);
  if (labels.empty()) {
    return Error{Errc::kUnsupported, "domain '" + domain.name +
                                         "' gets no label of any model; there is nothing to hold"};
  }
  SVIRT_ASSIGN(recorded_, Record(labels));
  return store_->registry().Pin(owner_.uuid);
}

Status Applying::TakeLabels(const Domain &domain, const std::vector<ModelChoice> &choices) {
  for (const ModelChoice &choice : choices) {
    SVIRT_ASSIGN(ModelDraft model, DraftLabels(&context_, domain, choice, *draft.opened));
    draft.models.push_back(std::move(model));
  }
  return arrives() ? CheckArrival(*before(), LabelsOf(draft)) : Status();
}

Status Applying::MakeDraft(const Domain &domain, const std::vector<ModelChoice> &choices,
                           PathPolicy *paths) {
  for (;;) {
    SVIRT_TRY(TakeLabels(domain, choices));
    SVIRT_TRY(DraftResources(store_, policy_, context_.pid > 0 ? nullptr : paths, &draft));
    if (context_.pid > 0 || adopted_ != nullptr || arrives()) {
      return {};
    }
    // Others are to be taken then.
    SVIRT_ASSIGN(const auto borne, BearOwnLabel(store_, context_, draft));
    if (borne.empty()) {
      return {};
    }
    SVIRT_TRY(store_->registry().YieldToBorne(owner_.uuid, borne));
    draft.Clear();
  }
}

void Applying::ForgetOwnLabels() {
  for (LabelTask &task : draft.tasks) {
    JournalItem &item = task.item;
    const OldLabel own{OldLabel::State::kPresent, item.label};
    if (!task.sets_label || item.old != own) {
      continue;
    }
    if (task.is_entry()) {
      item.old = {OldLabel::State::kAbsent, ""};  // it is nobody else's
    } else if (!item.remembered) {
      item.old = {OldLabel::State::kUnsupported, ""};
      adopted_->push_back("the " + item.model + " label that " + item.path + " had before domain " +
                          owner_.name + " started is not known: it keeps " + item.label +
                          " when the domain ends; 'ls -lnZ' shows it, and its administrator gives "
                          "it the one that it should have");
    }
  }
}

Result<std::vector<Recorded>> Applying::Record(const std::vector<HeldLabel> &labels) {
  std::vector<const JournalItem *> items;
  items.reserve(draft.tasks.size());
  for (const LabelTask &task : draft.tasks) {
    items.push_back(&task.item);
  }
  return store_->journal().Record(owner_, labels, items, context_.mark, was_alive_,
                                  [this](size_t place) { return Reread(&draft, place); });
}

Status Applying::MarkObject(size_t place) {
  const LabelTask &task = draft.tasks[place];
  if (!task.item.marked) {
    return {};
  }
  SVIRT_ASSIGN(const std::string host, store_->HostName());
  SVIRT_ASSIGN(const TaskObject object, TaskObject::Open(draft, task));
  Status status = WriteMark(object.ref(task).fd, task.item.model,
                            {.host = host,
                             .doi = draft.models[task.model].info.doi,
                             .id = task.item.id,
                             .old = recorded_[place].old,
                             .label = task.item.label});
  if (!status.ok() && status.error().code == Errc::kUnsupported) {
    draft.notes.push_back("other hosts are not told the old label of " + task.item.path + ": " +
                          status.error().message);
    return {};
  }
  return status;
}

Status Applying::SetLabels() {
  std::mutex mutex;  // of draft.items
  ProgressCount labelled(draft.progress, "labelling", draft.tasks.size());
  SVIRT_TRY(ForEach(draft.tasks.size(), [&](size_t i) -> Status {
    const LabelTask &task = draft.tasks[i];
    labelled.Add();
    if (!task.Changes()) {
      return {};
    }
    if (i % kObjectsBetweenLooks == 0) {
      SVIRT_TRY(CheckGoesOn());
    }
    SVIRT_ASSIGN(const Outcome outcome,
                 SetObjectLabel(store_, policy_, draft, task, was_alive_ && !recorded_[i].fresh));
    if (!outcome.note.empty()) {
      const std::lock_guard lock(mutex);
      ForItems(&draft, task, [&outcome](PlanItem *item) {
        item->note = outcome.note;
        item->unlabelled = item->unlabelled || outcome.unlabelled;
      });
    }
    return {};
  }));
  for (const ModelDraft &model : draft.models) {
    if (model.is_confined()) {
      SVIRT_TRY(model.plugin->SetLabel(model.ref, model.ref.seclabel.label));
    }
  }
  return {};
}

Status Applying::KeepTrees() {
  std::vector<int64_t> directories;
  for (size_t i = 0; i < draft.tasks.size(); ++i) {
    const LabelTask &task = draft.tasks[i];
    if (task.keeps_tree) {
      const int fd = draft.opened->objects()[task.object].opened.fd.get();
      SVIRT_TRY(SyncTree(fd, task.item.path));
      directories.push_back(recorded_[i].object);
    }
  }
  return directories.empty() ? Status() : store_->journal().SetWhole(owner_.uuid, directories);
}

Status Applying::TakeBack() {
  // Objects that the domain used before under another label get that one.
  for (size_t i = recorded_.size(); i-- > 0;) {
    if (!recorded_[i].previous) {
      continue;
    }
    LabelTask &task = draft.tasks[i];
    task.item.label = *recorded_[i].previous;
    SVIRT_ASSIGN(task.item.old, Reread(&draft, i));
    SVIRT_ASSIGN(const StoreMark mark, store_->registry().Mark());
    SVIRT_TRY(store_->journal().Record(owner_, {}, {&task.item}, mark, false,
                                       [this, i](size_t) { return Reread(&draft, i); }));
    SVIRT_TRY(MarkObject(i));
    SVIRT_ASSIGN([[maybe_unused]] const Outcome outcome,
                 SetObjectLabel(store_, policy_, draft, task, true));
  }
  UndoScope fresh;
  if (recorded_.empty()) {
    fresh.interrupted = true;  // a Record that failed after all may have entered something
  } else {
    fresh.only.emplace();
  }
  fresh.even_kept = true;
  for (const Recorded &entry : recorded_) {
    if (entry.fresh && fresh.only) {
      fresh.only->push_back(entry.object);
    }
  }
  SVIRT_TRY(Undo(store_, plugins_, owner_.uuid, fresh, false, nullptr));
  return was_alive_ ? Status() : Undo(store_, plugins_, owner_.uuid, {}, true, nullptr);
}

Status Applying::DropNewHold() {
  return before() && before()->own_hold ? Status() : store_->registry().DropOwnHold(owner_.uuid);
}

Error Applying::Fail(Error error) {
  Status status = TakeBack();
  if (draft.opened) {
    draft.opened->RemoveCreated();
  }
  if (Status dropped = DropNewHold(); status.ok()) {
    status = std::move(dropped);
  }
  if (!status.ok()) {
    error.message += "; moreover, not all labels could be taken back (" + status.error().message +
                     "), run svirt recover";
  }
  return error;
}

}  // namespace svirt
