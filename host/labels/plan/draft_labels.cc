// SPDX-License-Identifier: LGPL-2.1-or-later
// Which label a domain gets under a model.
#include <algorithm>
#include <utility>

#include "host/labels/plan/draft.h"
#include "host/labels/plan/label_check.h"
#include "host/labels/plan/process_scan.h"

namespace svirt {
namespace {

bool IsHeld(const std::optional<OwnerState> &state, const std::string &model) {
  return state && std::any_of(state->labels.begin(), state->labels.end(),
                              [&model](const HeldLabel &held) { return held.model == model; });
}

// Before a label is taken, those of running processes are entered (or, for a plan, avoided). A
// domain that holds its label already needs none of this.
Result<IndexRuns> LearnForeign(LabelContext *context, const ModelDraft &draft,
                               const LabelRequest &request) {
  IndexRuns avoid;
  if (request.runs.empty() || draft.info.is_unverifiable) {
    return avoid;
  }
  if (IsHeld(context->known, request.model)) {
    return avoid;
  }
  SVIRT_ASSIGN(const auto foreign, ScanProcesses(draft.plugin, draft.ref.virt_type, context->proc));
  if (context->mode == LabelMode::kAcquire) {
    SVIRT_TRY(context->store->registry().Seed(request.model, request.doi, foreign, &context->mark));
    return avoid;
  }
  for (const ForeignLabel &label : foreign) {
    avoid.insert(avoid.end(), label.runs.begin(), label.runs.end());
  }
  return avoid;
}

// Is the label, or what the owner wrote of it, valid for the domain? What would stop a start,
// though nothing is wrong with the label itself, a plan tells beside the rest.
Status VerifyLabel(const LabelContext &context, ModelDraft *draft) {
  Status verified = draft->plugin->VerifyLabel(draft->ref);
  if (verified.ok() || context.mode == LabelMode::kAcquire ||
      verified.error().code != Errc::kPermission) {
    return verified;
  }
  draft->refusal = verified.error().message;
  return {};
}

bool IsConflict(const Error &error) {
  return error.code == Errc::kConflict || error.code == Errc::kExists;
}

}  // namespace

DomainRef MakeDomainRef(const Domain &domain, const SecLabel &seclabel,
                        std::vector<ResourceRef> resources) {
  DomainRef ref;
  ref.uuid = domain.uuid;
  ref.name = domain.name;
  ref.virt_type = domain.type;
  ref.emulator = domain.emulator;
  ref.seclabel = seclabel;
  ref.resources = std::move(resources);
  for (ResourceRef &resource : ref.resources) {
    resource.as_it_is = KeepsItsLabel(*resource.resource, seclabel);
  }
  return ref;
}

Result<ModelDraft> DraftLabels(LabelContext *context, const Domain &domain,
                               const ModelChoice &choice, const OpenedManifest &opened) {
  const bool acquires = context->mode == LabelMode::kAcquire;
  ModelDraft draft;
  draft.plugin = choice.plugin;
  SVIRT_ASSIGN(draft.info, choice.plugin->GetModel(domain.type));
  draft.ref = MakeDomainRef(domain, choice.seclabel, opened.Refs());
  draft.ref.pid = context->pid;
  SecLabel &seclabel = draft.ref.seclabel;
  if (!draft.is_confined()) {
    return draft;
  }
  // The owner's own labels are judged before anything is reserved for them.
  SVIRT_TRY(VerifyLabel(*context, &draft));
  if (seclabel.type == SecLabel::Type::kStatic) {
    // An owner may write it in other words than the plugin, which are then those on record: a
    // domain asks for the same label the next time.
    SVIRT_ASSIGN(LabelPair given, choice.plugin->GenerateLabel(draft.ref, 0));
    seclabel.label = std::move(given.label);
  }
  const LabelOwner owner{domain.uuid, domain.name, domain.type};
  LabelRequest request{.model = choice.plugin->model(),
                       .doi = draft.info.doi,
                       .type = seclabel.type,
                       .label = seclabel.type == SecLabel::Type::kStatic ? seclabel.label : "",
                       .runs = {}};
  if (seclabel.type == SecLabel::Type::kStatic) {
    SVIRT_ASSIGN(request.runs, choice.plugin->LabelClaim(draft.ref, seclabel.label));
  } else {
    SVIRT_ASSIGN(request.runs, choice.plugin->LabelSpace(draft.ref));
  }
  SVIRT_ASSIGN(IndexRuns avoid, LearnForeign(context, draft, request));
  if (const auto more = context->avoid.find(request.model); more != context->avoid.end()) {
    avoid.insert(avoid.end(), more->second.begin(), more->second.end());
  }
  auto index = acquires ? context->store->registry().Acquire(owner, request)
                        : context->store->registry().Peek(owner, request, avoid);
  if (!index.ok()) {
    if (acquires || !IsConflict(index.error())) {
      return std::move(index).error();
    }
    draft.conflict = index.error().message;
    if (seclabel.type == SecLabel::Type::kDynamic) {
      return draft;  // without an index there is no label to show
    }
    index = std::optional<uint64_t>();
  }
  draft.index = *index;
  if (context->pid > 0 && !draft.info.is_fixed) {
    return draft;
  }
  SVIRT_ASSIGN(LabelPair labels, choice.plugin->GenerateLabel(draft.ref, draft.index.value_or(0)));
  if (context->pid > 0 && labels.label != seclabel.label) {
    return Error{Errc::kUnsupported,
                 "model " + request.model + " cannot change what domain '" + domain.name +
                     "' may use while it runs: define it with the change and start it anew"};
  }
  seclabel.label = std::move(labels.label);
  seclabel.image_label = std::move(labels.image_label);
  if (seclabel.type == SecLabel::Type::kDynamic) {
    SVIRT_TRY(VerifyLabel(*context, &draft));
    SVIRT_TRY(CheckClaim(draft));
  }
  return draft;
}

}  // namespace svirt
