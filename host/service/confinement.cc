// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels a domain, and starts programs confined as one, for other VM managers.
#include "host/service/confinement.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "host/launch/relay.h"

namespace svirt {
namespace {

struct Free {
  void operator()(char *p) const { std::free(p); }
};

// A name without a slash would have to be searched for; which program runs under a label must not
// depend on that.
Result<std::string> ResolveProgram(const std::string &program) {
  if (program.find('/') == std::string::npos) {
    return Error{Errc::kInvalid,
                 "'" + program + "' has no directory; give the path of the program"};
  }
  const std::unique_ptr<char, Free> path(::realpath(program.c_str(), nullptr));
  if (!path) {
    return SystemError(errno, "cannot find the program " + program);
  }
  if (::access(path.get(), X_OK) != 0) {
    return SystemError(errno, "cannot execute " + std::string(path.get()));
  }
  return std::string(path.get());
}

bool IsConfined(const Domain &running) {
  return std::ranges::any_of(running.seclabels, [](const SecLabel &seclabel) {
    return seclabel.type != SecLabel::Type::kNone;
  });
}

}  // namespace

Result<Plan> Confinement::Apply(const Findings &ready, Engine *engine) const {
  SVIRT_TRY(ready.refusals.ToStatus());
  SVIRT_ASSIGN(Plan plan, engine->Apply(ready.domain, *ready.manifest, ready.opened));
  machine_->Report(plan.notes);
  return plan;
}

Result<Plan> Confinement::Label(const Domain &domain) const {
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(domain.uuid));
  SVIRT_ASSIGN(Engine engine, engines_->For(domain, SecurityDrivers::Use::kStart));
  SVIRT_ASSIGN(Plan plan, Apply(preflight_->ForLabels(domain, &engine), &engine));
  engines_->NameDoi(&plan);
  SVIRT_TRY(engine.Pin(domain.uuid));  // until Restore, with or without a process
  return plan;
}

Status Confinement::Restore(const Domain &domain, bool even_trees) const {
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(domain.uuid));
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, machine_->OwnerOf(domain.uuid));
  if (owner && !owner->processes.empty()) {
    return Error{Errc::kConflict, "process " + std::to_string(owner->processes.front().pid) +
                                      " still runs as domain '" + domain.name +
                                      "'; its labels go back when it has ended"};
  }
  if (owner && owner->handover == HandoverState::kOutgoing) {
    return Error{Errc::kConflict, "domain '" + domain.name +
                                      "' is being handed to another host; 'svirt handover commit' "
                                      "or 'cancel' says first which host keeps it"};
  }
  if (owner && owner->in_hypervisor) {
    SVIRT_ASSIGN(Hypervisor *const hypervisor, machine_->HypervisorFor(domain));
    SVIRT_ASSIGN(const bool there, hypervisor->Has(domain.uuid));
    if (there) {
      return Error{Errc::kConflict, "domain '" + domain.name +
                                        "' runs; its labels go back when 'svirt destroy' has "
                                        "ended it"};
    }
  }
  SVIRT_ASSIGN(Engine engine, engines_->ToUndo(domain.uuid, domain.type));
  return machine_->Reporting([&](std::vector<std::string> *notes) -> Status {
    SVIRT_TRY(engine.Restore(domain.uuid, notes));
    return even_trees ? engine.Forget(domain.uuid, notes) : Status();
  });
}

Result<Child> Confinement::Launch(const Domain &defined, LaunchSpec spec) const {
  // Held while labels change, not while the program runs.
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(defined.uuid));
  Domain domain = defined;
  auto stored = machine_->domains().Get(domain.uuid);
  if (!stored.ok() && stored.error().code != Errc::kNotFound) {
    return std::move(stored).error();
  }
  if (stored.ok() && stored->bad_status) {
    return *stored->bad_status;  // what runs, and with what, must be known
  }
  if (stored.ok() && stored->running) {
    domain = std::move(stored->running->domain);  // which may have devices that came later
  }
  SVIRT_ASSIGN(domain.emulator, ResolveProgram(spec.program));
  spec.program = domain.emulator;
  // Beside a process that has labels the program gets these, and no further ones.
  const bool joins = stored.ok() && stored->running && IsConfined(domain);
  SVIRT_ASSIGN(Engine engine, joins ? engines_->ForRunning(domain)
                                    : engines_->For(domain, SecurityDrivers::Use::kStart));
  SVIRT_ASSIGN(const Plan plan, Apply(preflight_->ForLabels(domain, &engine), &engine));
  Child child;
  const auto start = [&]() -> Status {
    SVIRT_ASSIGN(std::vector<svirt_exec> recipes, engine.PrepareExec(domain, plan));
    spec.recipes = Recipes(std::move(recipes));
    spec.ends_if_asked = true;
    // Its labels stay for it from before it has any use for them.
    spec.announce_keeper = [&](pid_t pid) {
      return engine.AddHolder(domain, pid, HolderRole::kKeeper);
    };
    spec.announce = [&](pid_t pid) { return engine.AddHolder(domain, pid); };
    SVIRT_ASSIGN(child, svirt::Launch(spec));
    return engine.VerifyProcess(domain, plan, child.pid);
  };
  if (Status started = start(); !started.ok()) {
    if (child.pidfd) {
      Kill(child);
    }
    Error error = std::move(started).error();
    if (Status released = ReleaseLocked(domain); !released.ok()) {
      error.message +=
          "; and what was changed for it could not be undone: " + released.error().message;
    }
    return error;
  }
  inspection_->WarnIfPermissive(domain, child.pid);
  child.watch.Reset();
  return child;
}

Status Confinement::Release(const Domain &domain) const {
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(domain.uuid));
  return ReleaseLocked(domain);
}

Status Confinement::ReleaseLocked(const Domain &domain) const {
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, labels->registry().Describe(domain.uuid));
  if (owner && (owner->pinned || !owner->processes.empty())) {
    return labels->registry().DropOwnHold(domain.uuid);
  }
  SVIRT_ASSIGN(Engine engine, engines_->ToUndo(domain.uuid, domain.type));
  return machine_->Reporting([&](auto *notes) { return engine.Restore(domain.uuid, notes); });
}

Result<int> Confinement::Run(const Domain &domain, const std::vector<std::string> &argv,
                             const std::vector<std::string> &env) const {
  if (argv.empty()) {
    return Error{Errc::kInvalid, "no program is given"};
  }
  SVIRT_ASSIGN(WallFindings wall, machine_->FindWall());
  machine_->Report(wall.notes);
  SVIRT_ASSIGN(Relay relay, Relay::Open());
  const BlockedSignals blocked;
  LaunchSpec spec;
  spec.program = argv.front();
  spec.argv = argv;
  spec.env = env;
  spec.new_session = false;
  spec.wall = std::move(wall.wall);
  spec.fds = relay.child_fds();
  SVIRT_ASSIGN(Child child, Launch(domain, std::move(spec)));
  Status pumped = std::move(relay).Pump(child);
  if (!pumped.ok()) {
    Kill(child);
  }
  Result<int> code = pumped.ok() ? Wait(child) : Result<int>(std::move(pumped).error());
  Status released = Release(domain);
  if (code.ok() && !released.ok()) {
    return std::move(released).error();
  }
  return code;
}

}  // namespace svirt
