// SPDX-License-Identifier: LGPL-2.1-or-later
// Collects what models, the label database and the objects themselves say of a running domain.
#include "host/service/verification.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "host/service/domain_manifest.h"
#include "host/service/lost_confinement.h"
#include "host/service/lost_labels.h"

namespace svirt {
namespace {

Mismatch OtherRecord(const std::string &model, std::string planned, std::string found,
                     std::string message) {
  return {.kind = Mismatch::Kind::kNotRecorded,
          .model = model,
          .where = "label database",
          .planned = std::move(planned),
          .found = std::move(found),
          .message = std::move(message),
          .mend =
              "run 'svirt recover', and verify again; if that does not help, end the domain "
              "and start it again"};
}

void Append(std::vector<Mismatch> more, std::vector<Mismatch> *all) {
  std::ranges::move(more, std::back_inserter(*all));
}

}  // namespace

Result<std::vector<Mismatch>> Verification::Verify(const std::string &name_or_uuid) const {
  SVIRT_ASSIGN(const StoredDomain found, machine_->domains().Find(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(found.domain.uuid));
  SVIRT_ASSIGN(const StoredDomain stored, definitions_->FindLocked(found.domain.uuid));
  if (!stored.running) {
    return Error{Errc::kConflict,
                 "domain '" + stored.domain.name +
                     "' is not running, so that there is nothing to compare; 'svirt plan' says "
                     "what a start would do"};
  }
  const RunningDomain &running = *stored.running;
  SVIRT_ASSIGN(std::vector<Mismatch> mismatches,
               LostConfinement(machine_, engines_).Find(running, LostConfinement::Depth::kThreads));
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  const LostLabels lost_labels(machine_);
  SVIRT_ASSIGN(const bool is_lost, lost_labels.IsLost(labels, stored));
  if (is_lost) {  // nothing is known of its objects
    mismatches.push_back(OtherRecord("", "", "", lost_labels.Describe(stored).message));
    return mismatches;
  }
  SVIRT_ASSIGN(std::vector<Mismatch> records, CompareRecords(stored));
  Append(std::move(records), &mismatches);
  SVIRT_ASSIGN(std::vector<Mismatch> objects, CompareObjects(running));
  Append(std::move(objects), &mismatches);
  return mismatches;
}

Result<std::vector<Mismatch>> Verification::CompareRecords(const StoredDomain &stored) const {
  std::vector<Mismatch> mismatches;
  const Domain &domain = stored.running->domain;
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, machine_->OwnerOf(domain.uuid));
  std::vector<HeldLabel> held = owner ? owner->labels : std::vector<HeldLabel>();
  for (const SecLabel &seclabel : domain.seclabels) {
    if (seclabel.type == SecLabel::Type::kNone) {
      continue;
    }
    const auto known = std::ranges::find(held, seclabel.model, &HeldLabel::model);
    const std::string label = known == held.end() ? "" : known->label;
    const std::string image_label = known == held.end() ? "" : known->image_label;
    // Without a number it is that of the program which was run in the domain last.
    const bool is_of_program = known != held.end() && !known->index &&
                               known->type == SecLabel::Type::kDynamic && !label.empty();
    if (!is_of_program && (label != seclabel.label || image_label != seclabel.image_label)) {
      mismatches.push_back(OtherRecord(seclabel.model, seclabel.label, label,
                                       "domain " + domain.name + " runs under the " +
                                           seclabel.model + " label " + seclabel.label +
                                           ", and the label database has " +
                                           (label.empty() ? "none" : label) + " for it"));
    }
    if (known != held.end()) {
      held.erase(known);
    }
  }
  for (const HeldLabel &other : held) {
    mismatches.push_back(OtherRecord(other.model, "", other.label,
                                     "the label database has the " + other.model + " label " +
                                         other.label + " for domain " + domain.name +
                                         ", which does not run under that model"));
  }
  if (owner && owner->interrupted) {
    mismatches.push_back(OtherRecord("", "", "",
                                     "work on objects of domain " + domain.name +
                                         " was left half done by a command that has ended"));
  }
  return mismatches;
}

Result<std::vector<Mismatch>> Verification::CompareObjects(const RunningDomain &running) const {
  const Domain &domain = running.domain;
  std::vector<Error> errors;
  const Manifest manifest = MakeManifest(*machine_, domain, RunBy::kHypervisor, &errors);
  std::vector<Mismatch> mismatches;
  for (const Error &error : errors) {
    mismatches.push_back({.kind = Mismatch::Kind::kGone,
                          .model = "",
                          .where = domain.name,
                          .planned = "",
                          .found = "",
                          .message = error.message,
                          .mend = "put it back where it was, or end the domain"});
  }
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, machine_->OwnerOf(domain.uuid));
  std::vector<ProcessId> processes = owner ? owner->processes : std::vector<ProcessId>();
  processes.push_back(running.process);
  SVIRT_ASSIGN(Engine engine, engines_->ForRunning(domain));
  SVIRT_ASSIGN(std::vector<Mismatch> objects,
               engine.Compare(domain, manifest, running.unlabelled, processes));
  Append(std::move(objects), &mismatches);
  return mismatches;
}

}  // namespace svirt
