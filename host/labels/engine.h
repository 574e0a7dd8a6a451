// SPDX-License-Identifier: LGPL-2.1-or-later
// The label engine: plans which labels a domain gets, applies them, and takes them back.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/domain/resource.h"
#include "host/labels/plan/mismatch.h"
#include "host/labels/plan/opened_manifest.h"
#include "host/labels/plan/path_policy.h"
#include "host/labels/plan/plan.h"
#include "host/labels/plan/seclabel_rules.h"
#include "host/labels/store/label_store.h"
#include "host/loader/plugin.h"
#include "host/util/progress.h"
#include "host/util/refusals.h"
#include "host/util/result.h"

namespace svirt {

// Plans, applies and undoes the labels of domains. All state is in the LabelStore, shared with
// every other process of the host; an Engine is cheap and may be used by one thread at a time.
//
// Not for one domain in two threads or processes at once: who starts and stops domains holds a lock
// per domain. Different domains are independent.
class Engine {
 public:
  // plugins: the models that apply, primary first; may be empty (no driver: plans without models).
  // store and plugins must outlive the engine. proc: where running processes are looked up.
  Engine(LabelStore *store, std::vector<Plugin *> plugins, ConfinementPolicy policy,
         std::string proc = "/proc");

  // Is told how far work on many objects has come.
  void ShowProgress(ProgressSink progress) { progress_ = std::move(progress); }

  // Are the domain's seclabels, and those of its resources, valid here, and its resources such as a
  // domain may have? Everything that is not. A model that is not active is refused. opened: gets
  // the manifest as it was opened and judged, for MakePlan and Apply; its failures are no refusals
  // yet. nullptr if it could not be judged.
  Refusals Verify(const Domain &domain, const Manifest &manifest = {},
                  std::shared_ptr<OpenedManifest> *opened = nullptr);

  // Touches nothing. A dynamic label is the one the domain holds, or would be given next.
  // opened: of Verify, without failures; nullptr: the manifest is opened and judged here.
  Result<Plan> MakePlan(const Domain &domain, const Manifest &manifest,
                        std::shared_ptr<OpenedManifest> opened = nullptr);

  // Of every model of the plan that can describe one (svirt/ext/describe.h).
  Result<std::vector<PolicyText>> DescribePolicies(const Domain &domain, const Plan &plan);

  // Takes the labels from the registry, writes the journal, labels every resource, makes the
  // labels known to the system. All of it or nothing. Afterwards exactly the manifest is labelled,
  // and what else an earlier start has left gets its old label back; but while another process of
  // the domain lives, nothing is taken from it. Until AddHolder or Pin the domain's labels live and
  // die with this process. opened: as for MakePlan.
  Result<Plan> Apply(const Domain &domain, const Manifest &manifest,
                     std::shared_ptr<OpenedManifest> opened = nullptr);

  // Takes the labels that Apply would take, and keeps them without a process until Restore: the
  // next Apply gives just these. No object is touched. Errc::kUnsupported: the domain gets none.
  Status Reserve(const Domain &domain, const Manifest &manifest);

  // MakePlan for process pid, which runs under the seclabels of running and keeps them.
  // known: what the process has now, which is not judged again. Errc::kUnsupported: a model cannot
  // change what a process may use.
  Result<Plan> PlanChange(const Domain &running, pid_t pid, const Manifest &manifest,
                          const Manifest &known = {});

  // Makes exactly the manifest what process pid may use, which runs under the seclabels of running:
  // a process keeps its labels. All or nothing as to objects; a model that loads policies may have
  // loaded the new one when another model fails: Change back then. Errc::kUnsupported as
  // from PlanChange.
  Result<Plan> Change(const Domain &running, pid_t pid, const Manifest &manifest,
                      const Manifest &known = {});

  // One recipe per model for the child that becomes the domain's process. The caller owns the
  // descriptors in them.
  Result<std::vector<svirt_exec>> PrepareExec(const Domain &domain, const Plan &plan);

  // Is pid confined as planned, and enforced if that is required? Errc::kRefused if not, with both
  // labels in the sentence. Models
  // whose kernel side cannot be asked pass.
  Status VerifyProcess(const Domain &domain, const Plan &plan, pid_t pid);

  // Records that pid runs under the domain's labels, or keeps a process that does, so that they are
  // never given away while it lives.
  Status AddHolder(const Domain &domain, pid_t pid, HolderRole role = HolderRole::kProcess);

  // The same for a hypervisor whose domains are no processes of this kernel. The label under which
  // it is to build the domain; "" if no model confines it. Errc::kUnsupported: more than one does;
  // kRefused: the model confines processes.
  Result<std::string> PrepareBuild(const Domain &domain, const Plan &plan);

  // Has the hypervisor's domain number id been built under that label? Errc::kRefused if not, or if
  // the model cannot tell.
  Status VerifyBuild(const Domain &domain, const Plan &plan, int id, const std::string &label);

  // Moves it from the label it was built under to the one planned, and verifies that.
  Status FinishBuild(const Domain &domain, const Plan &plan, int id);

  // Keeps the domain's labels without a process of its own, until Restore: for whoever only labels,
  // and leaves the start to others; or while a hypervisor has the domain.
  Status Pin(const std::string &uuid, PinnedFor whom = PinnedFor::kCaller);

  // Undoes what Apply did for the domain, from the journal; labels are given back. Does what it
  // can and reports the first failure. Idempotent. Errc::kConflict while a process of the domain
  // runs. What is below a directory may stay labelled for the next start (keep_trees), and with it
  // the domain's labels. notes: sentences about objects that were left alone, because they are not
  // what was labelled any more. Of a domain that is being handed to another host nothing is undone
  // (see HandoverDesk).
  Status Restore(const std::string &uuid, std::vector<std::string> *notes = nullptr);

  // Also gives back what stays labelled for the next start of a domain (keep_trees), unless it
  // lives.
  Status Forget(const std::string &uuid, std::vector<std::string> *notes = nullptr);

  // Restores a domain that is neither pinned nor alive: after a crash, or a boot. Of one that
  // lives, what a process left half done when it ended: objects whose Apply or whose way back it
  // did not finish get their old labels.
  Status Recover(const std::string &uuid, std::vector<std::string> *notes);
  // Every domain; goes on after a failure and reports the first.
  Status Recover(std::vector<std::string> *notes = nullptr);

  // What of the manifest of a running domain is not as it was given to it: labels and entries that
  // were changed, objects that are gone or others now, and what is its alone in the hands of
  // processes that are none of its own. unlabelled: paths of what was accepted without its label.
  // processes: of the domain; those that they have started are its own, too. Touches nothing.
  Result<std::vector<Mismatch>> Compare(const Domain &running, const Manifest &manifest,
                                        const std::vector<std::string> &unlabelled,
                                        const std::vector<ProcessId> &processes);

  // Enters what process pid runs under, by the seclabels of running, as if it had been applied for
  // the manifest, where the store knows nothing of it any more. What objects had before is taken
  // from the marks on them (export_labels); of the others it is not known, and they keep their
  // labels at the end: notes name them. Errc::kConflict: another domain holds the labels by now.
  Status Adopt(const Domain &running, pid_t pid, const Manifest &manifest,
               std::vector<std::string> *notes);

  // Gives objects once more what they were given back in an earlier boot, if a power failure has
  // taken it; Apply and Reserve do so first.
  Status RecoverLost(const LostOwner &lost);
  // Gives free the indexes whose labels were borne by objects, and are not any more.
  Status ReleaseBorne();
  // Syncs file systems so that a power failure takes nothing any more of what was given back, and
  // forgets what that was.
  Status Settle();

 private:
  enum class Taking { kLabels, kAll };
  Status RecoverLost();
  Result<Plan> Take(const Domain &domain, const Manifest &manifest,
                    std::shared_ptr<OpenedManifest> opened, Taking what);
  Result<Plan> PlanWith(const std::vector<ModelChoice> &choices, const Domain &domain,
                        std::shared_ptr<OpenedManifest> opened, PathPolicy paths, pid_t pid);

  LabelStore *store_;
  std::vector<Plugin *> plugins_;
  ConfinementPolicy policy_;
  std::string proc_;
  ProgressSink progress_;
};

}  // namespace svirt
