// SPDX-License-Identifier: LGPL-2.1-or-later
// Plans, verifies, applies and restores labels, and recovers from crashes.
#include "host/labels/engine.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "host/labels/apply/applying.h"
#include "host/labels/apply/label_scan.h"
#include "host/labels/apply/undo.h"
#include "host/labels/plan/borne_labels.h"
#include "host/labels/plan/draft.h"
#include "host/labels/plan/foreign_hands.h"
#include "host/labels/plan/label_check.h"
#include "host/labels/plan/object_comparison.h"
#include "host/loader/marshal.h"

namespace svirt {

Engine::Engine(LabelStore *store, std::vector<Plugin *> plugins, ConfinementPolicy policy,
               std::string proc)
    : store_(store),
      plugins_(std::move(plugins)),
      policy_(std::move(policy)),
      proc_(std::move(proc)) {}

Refusals Engine::Verify(const Domain &domain, const Manifest &manifest,
                        std::shared_ptr<OpenedManifest> *opened) {
  Refusals refusals;
  const auto choices = ChooseModels(domain, plugins_, policy_);
  if (!choices.ok()) {
    refusals.Add(choices.error());
  }
  std::shared_ptr<OpenedManifest> judged;
  const auto judge = [&]() -> Status {
    SVIRT_ASSIGN(PathPolicy paths, PathPolicy::Prepare(policy_.paths));
    SVIRT_ASSIGN(judged, OpenedManifest::Look(manifest, &paths));
    return paths.Verdict();
  };
  const Status verdict = judge();
  std::vector<ResourceRef> refs;
  if (judged != nullptr) {
    refs = judged->Refs();
    for (ResourceRef &ref : refs) {
      ref.fd = -1;  // models look at objects when the domain has its labels
    }
  }
  for (const ModelChoice &choice : choices.ok() ? *choices : std::vector<ModelChoice>{}) {
    if (choice.seclabel.type != SecLabel::Type::kNone) {
      refusals.Add(choice.plugin->VerifyLabel(MakeDomainRef(domain, choice.seclabel, refs)));
    }
  }
  refusals.Add(verdict);
  if (opened != nullptr) {
    *opened = std::move(judged);
  }
  return refusals;
}

Result<Plan> Engine::MakePlan(const Domain &domain, const Manifest &manifest,
                              std::shared_ptr<OpenedManifest> opened) {
  SVIRT_ASSIGN(const auto choices, ChooseModels(domain, plugins_, policy_));
  SVIRT_ASSIGN(PathPolicy paths, PathPolicy::Prepare(policy_.paths));
  if (opened == nullptr) {
    SVIRT_ASSIGN(opened, OpenedManifest::Open(manifest, &paths));
  }
  return PlanWith(choices, domain, std::move(opened), std::move(paths), -1);
}

Result<Plan> Engine::PlanChange(const Domain &running, pid_t pid, const Manifest &manifest,
                                const Manifest &known) {
  SVIRT_ASSIGN(const auto choices, ModelsOfRunning(running, plugins_));
  SVIRT_ASSIGN(PathPolicy paths, PathPolicy::Prepare(policy_.paths));
  SVIRT_ASSIGN(auto opened, OpenedManifest::Open(manifest, &paths, known));
  return PlanWith(choices, running, std::move(opened), std::move(paths), pid);
}

Result<Plan> Engine::PlanWith(const std::vector<ModelChoice> &choices, const Domain &domain,
                              std::shared_ptr<OpenedManifest> opened, PathPolicy paths, pid_t pid) {
  Draft draft;
  draft.progress = progress_;
  draft.opened = std::move(opened);
  LabelContext context{.store = store_, .mode = LabelMode::kPeek, .proc = proc_, .pid = pid};
  SVIRT_ASSIGN(context.known, store_->registry().Describe(domain.uuid, &context.mark));
  for (std::vector<BorneLabel> borne;;) {
    for (const ModelChoice &choice : choices) {
      SVIRT_ASSIGN(ModelDraft model, DraftLabels(&context, domain, choice, *draft.opened));
      draft.models.push_back(std::move(model));
    }
    SVIRT_TRY(DraftResources(store_, policy_, pid > 0 ? nullptr : &paths, &draft));
    if (pid < 0) {
      SVIRT_ASSIGN(borne, BearOwnLabel(store_, context, draft));
    }
    if (borne.empty()) {
      break;
    }
    for (const BorneLabel &object : borne) {
      context.avoid[object.model].push_back({object.index, 1});
    }
    draft.Clear();
  }
  SVIRT_TRY(paths.Verdict());
  const bool lives = context.known && context.known->IsLive();
  SVIRT_TRY(CheckLabelable(policy_, store_, lives, &draft));
  CheckEnforcing(policy_, pid < 0, &draft);
  const LabelOwner owner{domain.uuid, domain.name, domain.type};
  for (const HeldLabel &held : LabelsOf(draft)) {
    SVIRT_ASSIGN(const std::string clash, store_->registry().FindClash(owner, held));
    for (ModelDraft &model : draft.models) {
      if (!clash.empty() && model.plugin->model() == held.model && model.refusal.empty()) {
        model.refusal = clash;
      }
    }
  }
  if (!context.known || context.known->handover != HandoverState::kIncoming) {
    SVIRT_TRY(CheckForeignHands(store_, domain.uuid, lives, proc_, &draft));
  }
  for (const LabelTask &task : draft.tasks) {
    SVIRT_ASSIGN(const std::string conflict,
                 store_->journal().FindConflict(domain.uuid, task.item));
    if (!conflict.empty()) {
      ForItems(&draft, task, [&conflict](PlanItem *item) { item->conflict = conflict; });
    }
  }
  return ToPlan(std::move(draft));
}

Result<Plan> Engine::Apply(const Domain &domain, const Manifest &manifest,
                           std::shared_ptr<OpenedManifest> opened) {
  return Take(domain, manifest, std::move(opened), Taking::kAll);
}

Status Engine::Reserve(const Domain &domain, const Manifest &manifest) {
  auto plan = Take(domain, manifest, nullptr, Taking::kLabels);
  return plan.ok() ? Status() : std::move(plan).error();
}

Result<Plan> Engine::Take(const Domain &domain, const Manifest &manifest,
                          std::shared_ptr<OpenedManifest> opened, Taking what) {
  SVIRT_ASSIGN(const auto choices, ChooseModels(domain, plugins_, policy_));
  // What a model that is not active here has left is no reason not to start.
  [[maybe_unused]] const Status undone = RecoverLost();
  // Once more if the domain holds a label that it cannot be given again, of a start that ended in a
  // crash, or since when its seclabel or the daemon's range was changed.
  for (bool again = true;; again = false) {
    Applying applying(store_, plugins_, policy_, domain, proc_, -1);
    applying.draft.progress = progress_;
    SVIRT_TRY(applying.Begin());
    auto status = what == Taking::kAll
                      ? applying.Run(domain, manifest, std::exchange(opened, nullptr), choices, {})
                      : applying.Reserve(domain, manifest, choices);
    if (status.ok()) {
      return ToPlan(std::move(applying.draft));
    }
    Error error = std::move(status).error();
    if (error.code == Errc::kExists && applying.arrives()) {
      // What another host has labelled for the domain is not to be labelled otherwise.
      error.message +=
          "; it comes from another host: start it from the XML that it has there, or run 'svirt "
          "handover cancel'";
    }
    // Of what is pinned the registry does not know the processes: a guest of another VM manager may
    // run under the label.
    if (error.code != Errc::kExists || !again || applying.is_pinned()) {
      return applying.Fail(std::move(error));
    }
    if (applying.draft.opened) {
      applying.draft.opened->RemoveCreated();
    }
    SVIRT_TRY(Restore(domain.uuid));
  }
}

Result<Plan> Engine::Change(const Domain &running, pid_t pid, const Manifest &manifest,
                            const Manifest &known) {
  SVIRT_ASSIGN(const auto choices, ModelsOfRunning(running, plugins_));
  Applying applying(store_, plugins_, policy_, running, proc_, pid);
  applying.draft.progress = progress_;
  SVIRT_TRY(applying.Begin());
  auto status = applying.Run(running, manifest, nullptr, choices, known);
  if (!status.ok()) {
    return applying.Fail(std::move(status).error());
  }
  SVIRT_TRY(applying.DropNewHold());
  return ToPlan(std::move(applying.draft));
}

Status Engine::Adopt(const Domain &running, pid_t pid, const Manifest &manifest,
                     std::vector<std::string> *notes) {
  SVIRT_ASSIGN(const auto choices, ModelsOfRunning(running, plugins_));
  SVIRT_ASSIGN(const ProcessId process, IdentifyProcess(pid));
  const LabelOwner owner{running.uuid, running.name, running.type};
  // What an older copy says of another start, of which nothing runs, is dropped; no object is
  // touched.
  SVIRT_ASSIGN(const auto earlier, store_->registry().Describe(running.uuid));
  if (earlier && earlier->processes.empty()) {
    UndoScope everything;
    everything.even_kept = true;
    everything.even_whole = true;
    SVIRT_ASSIGN(const UndoList stale, store_->journal().BeginUndo(running.uuid, everything));
    UndoOutcome outcome;
    for (const UndoItem &item : stale.items) {
      outcome.lasting.push_back(&item);
    }
    SVIRT_TRY(store_->journal().FinishUndo(running.uuid, outcome, true));
  }
  for (const ModelChoice &choice : choices) {
    const SecLabel &seclabel = choice.seclabel;
    if (seclabel.type == SecLabel::Type::kNone) {
      continue;
    }
    SVIRT_ASSIGN(const ModelInfo info, choice.plugin->GetModel(running.type));
    SVIRT_ASSIGN(IndexRuns runs,
                 choice.plugin->LabelClaim(MakeDomainRef(running, seclabel, {}), seclabel.label));
    SVIRT_TRY(store_->registry().Acquire(
        owner, {.model = choice.plugin->model(),
                .doi = info.doi,
                .type = seclabel.type,
                .label = seclabel.type == SecLabel::Type::kStatic ? seclabel.label : "",
                .runs = std::move(runs)}));
  }
  SVIRT_TRY(store_->registry().AddHolder(running.uuid, process));
  Applying applying(store_, plugins_, policy_, running, proc_, pid);
  applying.draft.progress = progress_;
  SVIRT_TRY(applying.Begin());
  applying.AdoptFor(notes);
  Status status = applying.Run(running, manifest, nullptr, choices, manifest);
  SVIRT_ASSIGN(const auto entered, store_->registry().Describe(running.uuid));
  // Without its objects it is said to be lost as before. With them its process keeps it alive.
  if (!status.ok() && entered && entered->objects == 0) {
    SVIRT_TRY(store_->journal().FinishUndo(running.uuid, {}, true));
  }
  return status;
}

Result<std::vector<Mismatch>> Engine::Compare(const Domain &running, const Manifest &manifest,
                                              const std::vector<std::string> &unlabelled,
                                              const std::vector<ProcessId> &processes) {
  SVIRT_ASSIGN(const auto choices, ModelsOfRunning(running, plugins_));
  Manifest roots = manifest;
  const std::vector<Mismatch> missing = TakeOutMissing(&roots);
  for (Resource &resource : roots.resources) {
    resource.subtree = false;
  }
  Draft draft;
  SVIRT_ASSIGN(draft.opened, OpenedManifest::Open(roots, nullptr));
  for (const ModelChoice &choice : choices) {
    ModelDraft model;
    model.plugin = choice.plugin;
    SVIRT_ASSIGN(model.info, choice.plugin->GetModel(running.type));
    model.ref = MakeDomainRef(running, choice.seclabel, draft.opened->Refs());
    draft.models.push_back(std::move(model));
  }
  SVIRT_TRY(DraftResources(store_, policy_, nullptr, &draft));
  SVIRT_ASSIGN(std::vector<Mismatch> mismatches,
               CompareObjects(store_, draft, running, manifest, unlabelled));
  for (const Mismatch &mismatch : missing) {
    if (std::ranges::find(mismatches, mismatch.where, &Mismatch::where) == mismatches.end()) {
      mismatches.push_back(mismatch);
    }
  }
  std::ranges::move(FindForeignWriters(draft, running, processes, proc_),
                    std::back_inserter(mismatches));
  return mismatches;
}

Result<std::vector<PolicyText>> Engine::DescribePolicies(const Domain &domain, const Plan &plan) {
  std::vector<PolicyText> policies;
  for (const ModelLabels &labels : plan.models) {
    Plugin *const plugin = FindPlugin(plugins_, labels.model);
    if (plugin == nullptr || labels.seclabel.type == SecLabel::Type::kNone) {
      continue;
    }
    SVIRT_ASSIGN(auto text,
                 plugin->Describe(MakeDomainRef(domain, labels.seclabel, plan.opened->Refs())));
    if (text) {
      policies.push_back({labels.model, std::move(*text)});
    }
  }
  return policies;
}

Result<std::vector<svirt_exec>> Engine::PrepareExec(const Domain &domain, const Plan &plan) {
  std::vector<svirt_exec> recipes;
  for (const ModelLabels &labels : plan.models) {
    if (labels.seclabel.type == SecLabel::Type::kNone) {
      continue;
    }
    Plugin *plugin = FindPlugin(plugins_, labels.model);
    svirt_exec recipe{};
    const Status status =
        plugin == nullptr
            ? Error{Errc::kInternal, "the plan has a model that is not active: " + labels.model}
            : plugin->PrepareExec(MakeDomainRef(domain, labels.seclabel, plan.opened->Refs()),
                                  labels.seclabel.label, &recipe);
    if (!status.ok()) {
      for (svirt_exec &earlier : recipes) {
        DiscardExec(&earlier);
      }
      return status.error();
    }
    recipes.push_back(recipe);
  }
  return recipes;
}

Status Engine::VerifyProcess(const Domain &domain, const Plan &plan, pid_t pid) {
  for (const ModelLabels &labels : plan.models) {
    Plugin *plugin = FindPlugin(plugins_, labels.model);
    if (labels.seclabel.type == SecLabel::Type::kNone || plugin == nullptr) {
      continue;
    }
    DomainRef ref = MakeDomainRef(domain, labels.seclabel, {});
    ref.pid = pid;
    const auto state = plugin->GetLabel(ref);
    if (!state.ok() && state.error().code == Errc::kUnsupported) {
      continue;
    }
    if (!state.ok()) {
      return state.error();
    }
    if (state->label != labels.seclabel.label) {
      return Error{Errc::kRefused, "process " + std::to_string(pid) + " of domain " + domain.name +
                                       " runs under the " + labels.model + " label " +
                                       state->label + " instead of " + labels.seclabel.label +
                                       " and must not go on"};
    }
    if (policy_.require_enforcing && !state->enforcing) {
      return Refusal("the label " + state->label + " of process " + std::to_string(pid) +
                     " of domain " + domain.name + " is not enforced by model " + labels.model +
                     " (it is permissive for this domain), and require_enforcing is set");
    }
  }
  return {};
}

Status Engine::AddHolder(const Domain &domain, pid_t pid, HolderRole role) {
  SVIRT_ASSIGN(const auto state, store_->registry().Describe(domain.uuid));
  if (!state) {
    return {};  // no model gives it a label
  }
  SVIRT_ASSIGN(const ProcessId process, IdentifyProcess(pid));
  return store_->registry().AddHolder(domain.uuid, process, role);
}

Status Engine::Pin(const std::string &uuid, PinnedFor whom) {
  SVIRT_ASSIGN(const auto state, store_->registry().Describe(uuid));
  return state ? store_->registry().Pin(uuid, whom) : Status();
}

Status Engine::Restore(const std::string &uuid, std::vector<std::string> *notes) {
  UndoScope all;
  all.stop = true;
  return Undo(store_, plugins_, uuid, all, true, notes);
}

Status Engine::Forget(const std::string &uuid, std::vector<std::string> *notes) {
  SVIRT_ASSIGN(const auto state, store_->registry().Describe(uuid));
  if (!state || state->IsLive()) {
    return {};
  }
  UndoScope everything;
  everything.even_whole = true;
  return Undo(store_, plugins_, uuid, everything, true, notes);
}

Status Engine::Recover(const std::string &uuid, std::vector<std::string> *notes) {
  SVIRT_ASSIGN(const auto state, store_->registry().Describe(uuid));
  if (!state) {
    return {};
  }
  if (!state->IsLive()) {
    return Restore(uuid, notes);
  }
  if (!state->interrupted) {
    return {};
  }
  UndoScope half_done;
  half_done.interrupted = true;
  half_done.even_kept = true;
  return Undo(store_, plugins_, uuid, half_done, false, notes);
}

Status Engine::RecoverLost() {
  SVIRT_ASSIGN(const auto owners, store_->journal().Lost());
  Status first;
  for (const LostOwner &lost : owners) {
    if (Status status = RecoverLost(lost); !status.ok() && first.ok()) {
      first = std::move(status);
    }
  }
  return first;
}

Status Engine::RecoverLost(const LostOwner &lost) {
  return UndoLost(store_, plugins_, lost);
}

Status Engine::ReleaseBorne() {
  return svirt::ReleaseBorne(store_, plugins_);
}

Status Engine::Settle() {
  return SettleRetired(store_);
}

Status Engine::Recover(std::vector<std::string> *notes) {
  SVIRT_ASSIGN(const auto uuids, store_->registry().Owners());
  Status first = RecoverLost();
  for (const std::string &uuid : uuids) {
    if (Status status = Recover(uuid, notes); !status.ok() && first.ok()) {
      first = std::move(status);
    }
  }
  if (Status status = ReleaseBorne(); !status.ok() && first.ok()) {
    first = std::move(status);
  }
  if (Status status = Settle(); !status.ok() && first.ok()) {
    first = std::move(status);
  }
  return first;
}

}  // namespace svirt
