// SPDX-License-Identifier: LGPL-2.1-or-later
// Goes through all domains and puts in order what crashes left.
#include "host/service/recovery.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "host/service/domain_manifest.h"
#include "host/service/lost_confinement.h"
#include "host/service/lost_labels.h"
#include "host/util/end_request.h"

namespace svirt {

Status Recovery::Adopt(const RunningDomain &running, std::vector<std::string> *notes) const {
  const Domain &domain = running.domain;
  SVIRT_ASSIGN(Engine engine, engines_->ForLost(domain));
  std::vector<std::string> unknown;
  const Status adopted =
      engine.Adopt(domain, running.process.pid, MakeKnownManifest(*machine_, domain), &unknown);
  if (adopted.ok() && running.keeper.pid > 0) {
    SVIRT_TRY(engine.AddHolder(domain, running.keeper.pid, HolderRole::kKeeper));
  }
  if (!adopted.ok()) {
    return Error{adopted.error().code, "domain " + domain.name +
                                           " runs, is not known to the label database, and cannot "
                                           "be entered there: " +
                                           adopted.error().message};
  }
  if (notes != nullptr) {
    notes->push_back("domain " + domain.name +
                     " runs, and was not known to the label database; it is entered again");
    notes->insert(notes->end(), unknown.begin(), unknown.end());
  }
  return {};
}

// A change that was ended half way may have left it more than it has, or a policy may have been
// removed. What a hypervisor keeps by a number is never changed while it runs.
Status Recovery::Relabel(RunningDomain *running, const std::function<void(Status)> &keep,
                         std::vector<std::string> *notes) const {
  const LostConfinement confinement(machine_, engines_);
  const auto before = confinement.Find(*running, LostConfinement::Depth::kProcesses);
  const Status relabelled =
      running->id < 0 ? devices_->Relabel(running, MakeKnownManifest(*machine_, running->domain))
                      : Status();
  SVIRT_ASSIGN(const std::vector<Mismatch> lost,
               confinement.Find(*running, LostConfinement::Depth::kProcesses));
  if (!lost.empty()) {
    keep(Refusal(lost.front().Sentence() +
                 (relabelled.ok() && running->id < 0
                      ? ". Its policy is loaded again: that holds for what starts in the domain "
                        "from now on, and not for this process"
                      : "")));
  } else if (before.ok() && !before->empty() && notes != nullptr) {
    notes->push_back(before->front().message +
                     "; its policy is loaded again, and it is confined as it was");
  }
  return relabelled.ok() ? RememberEnforced(running) : relabelled;
}

// A model that was permissive for it, and is not any more, is held to that.
Status Recovery::RememberEnforced(RunningDomain *running) const {
  const size_t before = running->enforced.size();
  for (const std::string &model : LostConfinement(machine_, engines_).Enforced(*running)) {
    if (std::ranges::find(running->enforced, model) == running->enforced.end()) {
      running->enforced.push_back(model);
    }
  }
  return running->enforced.size() == before
             ? Status()
             : machine_->domains().SetRunning(running->domain.uuid, *running);
}

Status Recovery::Recover(std::vector<std::string> *notes) const {
  Status first;
  const auto keep = [&](Status status) {
    if (!status.ok() && first.ok()) {
      first = std::move(status);
    } else if (!status.ok() && notes != nullptr &&
               status.error().message != first.error().message) {
      notes->push_back(status.error().message);
    }
  };
  // A signal ends this between two domains: what is begun for one is done, and the others wait.
  bool is_ended = false;
  const auto goes_on = [&is_ended] {
    is_ended = is_ended || IsAskedToEnd();
    return !is_ended;
  };
  SVIRT_ASSIGN(const std::vector<StoredDomain> domains, machine_->domains().List());
  // Where there is nothing of a domain there is nothing to do either, and nobody to wait for.
  SVIRT_ASSIGN(const std::set<std::string> traces, machine_->domains().Traces());
  PassingLocks locks(&machine_->domains());
  const auto with_lock = [&](const std::string &uuid, const auto &work) {
    if (locks.WasKept(uuid) || !goes_on()) {
      return;
    }
    const auto all = [&]() -> Status {
      SVIRT_ASSIGN(const Fd lock, locks.Lock(uuid));
      auto now = machine_->domains().Get(uuid);
      if (!now.ok() && now.error().code == Errc::kNotFound) {
        return {};  // undefined meanwhile
      }
      SVIRT_TRY(now);
      return work(&*now);
    };
    keep(all());
  };
  const auto adopt_lost = [&]() -> Status {
    SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
    SVIRT_ASSIGN(const std::vector<StoredDomain> lost, LostLabels(machine_).Find(labels));
    for (const StoredDomain &stored : lost) {
      with_lock(stored.domain.uuid, [&](StoredDomain *now) -> Status {
        return now->running ? Adopt(*now->running, notes) : Status();
      });
    }
    return {};
  };
  keep(adopt_lost());
  for (const StoredDomain &stored : domains) {
    if (traces.contains(stored.domain.uuid)) {
      with_lock(stored.domain.uuid, [&](StoredDomain *now) -> Status {
        if (now->bad_status) {
          return *now->bad_status;
        }
        SVIRT_TRY(endings_->CleanUpIfEnded(now, kPassingAnswerTime));
        return now->running ? Relabel(&*now->running, keep, notes) : Status();
      });
    }
    if (stored.bad_definition) {
      keep(*stored.bad_definition);
    }
  }
  const auto recover_lost = [&]() -> Status {
    SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
    SVIRT_ASSIGN(const std::vector<LostOwner> lost, labels->journal().Lost());
    for (const LostOwner &owner : lost) {
      if (!goes_on()) {
        break;
      }
      SVIRT_ASSIGN(Engine engine, engines_->ToUndo(owner));
      keep(engine.RecoverLost(owner));
    }
    return {};
  };
  keep(recover_lost());
  SVIRT_ASSIGN(const std::vector<OwnerState> owners, owners_->All());
  for (const OwnerState &state : owners) {
    const auto recover = [&]() -> Status {
      SVIRT_ASSIGN(const Fd lock, locks.Lock(state.owner.uuid));
      if (state.own_hold) {  // who holds the lock knows that nobody here is starting it
        SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
        SVIRT_TRY(labels->registry().DropOwnHold(state.owner.uuid));
      }
      SVIRT_ASSIGN(Engine engine, engines_->ToUndo(state.owner.uuid, state.owner.virt_type));
      SVIRT_ASSIGN(const bool is_over, endings_->HasLeftHypervisor(state.owner));
      return is_over ? engine.Restore(state.owner.uuid, notes)
                     : engine.Recover(state.owner.uuid, notes);
    };
    if (!locks.WasKept(state.owner.uuid) && goes_on()) {
      keep(recover());
    }
  }
  const auto release = [&]() -> Status {
    SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
    SVIRT_ASSIGN(const std::vector<BorneLabel> borne, labels->registry().Borne());
    if (borne.empty()) {
      return {};
    }
    std::set<std::string> models;
    for (const BorneLabel &object : borne) {
      models.insert(object.model);
    }
    const std::vector<std::string> types = machine_->DomainTypes();
    SVIRT_ASSIGN(Engine engine, engines_->ToUndo(LostOwner{
                                    "", types.empty() ? "" : types.front(),
                                    std::vector<std::string>(models.begin(), models.end())}));
    return engine.ReleaseBorne();
  };
  keep(release());
  const auto settle = [&]() -> Status {
    SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
    return Engine(labels, {}, {}).Settle();
  };
  if (goes_on()) {
    keep(settle());
  }
  // A start that has ended before its domain was written down leaves the directory it was to have.
  for (const StoredDomain &stored : domains) {
    if (traces.contains(stored.domain.uuid)) {
      with_lock(stored.domain.uuid, [&](StoredDomain *now) -> Status {
        const bool may_run = now->running || now->bad_status;
        return may_run ? Status() : machine_->domains().ClearRunning(now->domain.uuid);
      });
    }
  }
  if (is_ended) {
    keep(Error{Errc::kSystem,
               "a signal ended this before it was done; 'svirt recover' goes on where it stopped",
               EINTR});
  }
  return first;
}

}  // namespace svirt
