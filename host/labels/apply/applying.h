// SPDX-License-Identifier: LGPL-2.1-or-later
// Gives a domain its labels, all of them or none.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/labels/plan/draft.h"
#include "host/labels/plan/seclabel_rules.h"
#include "host/labels/store/label_store.h"
#include "host/loader/plugin.h"
#include "host/util/end_request.h"
#include "host/util/result.h"

namespace svirt {

// An Apply under way: what it has done so far, so that it can be taken back.
class Applying {
 public:
  // pid: the process whose labels stay, or -1.
  Applying(LabelStore *store, const std::vector<Plugin *> &plugins, const ConfinementPolicy &policy,
           const Domain &domain, const std::string &proc, pid_t pid)
      : store_(store),
        plugins_(plugins),
        policy_(policy),
        owner_{domain.uuid, domain.name, domain.type},
        context_{.store = store, .mode = LabelMode::kAcquire, .proc = proc, .pid = pid} {}

  // Nothing has to be taken back if this fails.
  Status Begin();
  // opened: the manifest, by whoever has judged it already; nullptr: it is opened and judged here.
  // known: what the process has already.
  Status Run(const Domain &domain, const Manifest &manifest, std::shared_ptr<OpenedManifest> opened,
             const std::vector<ModelChoice> &choices, const Manifest &known);
  // The labels alone; no object is touched.
  Status Reserve(const Domain &domain, const Manifest &manifest,
                 const std::vector<ModelChoice> &choices);
  // Gives everything back that Run or Reserve has taken; adds to the error what could not be given
  // back.
  Error Fail(Error error);
  // What Run has made this process hold: it is not starting the domain, or not any more.
  Status DropNewHold();
  // Run finds objects labelled that nobody remembers: the domain's own label is not what they had
  // before. notes: get a sentence for each object of which that is not known.
  void AdoptFor(std::vector<std::string> *notes) { adopted_ = notes; }
  // From another host.
  bool arrives() const { return before() && before()->handover == HandoverState::kIncoming; }
  bool is_pinned() const { return before() && before()->pinned; }

  Draft draft;

 private:
  // What was known of the domain.
  const std::optional<OwnerState> &before() const { return context_.known; }
  // Decides the labels, and reserves those that are a matter of numbers.
  Status TakeLabels(const Domain &domain, const std::vector<ModelChoice> &choices);
  // Takes labels and decides those of objects, until no object bears one that the domain has just
  // been given. paths: judges what lies below directories, if anybody does.
  Status MakeDraft(const Domain &domain, const std::vector<ModelChoice> &choices,
                   PathPolicy *paths);
  Result<std::vector<Recorded>> Record(const std::vector<HeldLabel> &labels);
  // Does not take a label of the domain's for what an object had before.
  void ForgetOwnLabels();
  // Tells other hosts about the object of a task that is to be labelled, if that is wanted.
  Status MarkObject(size_t place);
  // Labels the objects, and makes the labels known to the system.
  Status SetLabels();
  // Remembers which directories are whole now.
  Status KeepTrees();
  // A start may be ended by a signal, and is taken back then. A change goes with one of what runs.
  Status CheckGoesOn() const { return context_.pid < 0 ? CheckNotAskedToEnd() : Status(); }
  Status TakeBack();

  LabelStore *store_;
  const std::vector<Plugin *> &plugins_;
  const ConfinementPolicy &policy_;
  LabelOwner owner_;
  LabelContext context_;
  bool was_alive_ = false;
  std::vector<std::string> *adopted_ = nullptr;
  std::vector<Recorded> recorded_;
};

}  // namespace svirt
