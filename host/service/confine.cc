// SPDX-License-Identifier: LGPL-2.1-or-later
// Any program, confined as a domain.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include "host/launch/launch.h"
#include "host/launch/relay.h"
#include "host/service/host.h"

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

Result<Child> Host::LaunchConfined(const Domain &defined, LaunchSpec spec) {
  // Held while labels change, not while the program runs.
  SVIRT_ASSIGN(const Fd lock, store_.Lock(defined.uuid));
  Domain domain = defined;
  auto stored = store_.FindEvenDamaged(domain.uuid);
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
  SVIRT_ASSIGN(Engine engine, joins ? EngineForRunning(domain) : EngineFor(domain));
  SVIRT_TRY(engine.Verify(domain));
  SVIRT_ASSIGN(const Manifest manifest, ReadManifest(domain));
  SVIRT_ASSIGN(const Plan plan, engine.Apply(domain, manifest));
  Report(plan.notes);
  Child child;
  const auto start = [&]() -> Status {
    SVIRT_ASSIGN(std::vector<svirt_exec> recipes, engine.PrepareExec(domain, plan));
    spec.recipes = Recipes(std::move(recipes));
    // Its labels stay for it from before it has any use for them.
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
  WarnIfPermissive(domain, child.pid);
  return child;
}

Status Host::Release(const Domain &domain) {
  SVIRT_ASSIGN(const Fd lock, store_.Lock(domain.uuid));
  return ReleaseLocked(domain);
}

Status Host::ReleaseLocked(const Domain &domain) {
  SVIRT_ASSIGN(LabelStore * labels, Store());
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, labels->Describe(domain.uuid));
  if (owner && (owner->pinned || !owner->processes.empty())) {
    return labels->DropOwnHold(domain.uuid);
  }
  SVIRT_ASSIGN(Engine engine, EngineToUndo(domain.uuid, domain.type));
  return Reporting([&](auto *notes) { return engine.Restore(domain.uuid, notes); });
}

Result<int> Host::Run(const Domain &domain, const std::vector<std::string> &argv,
                      const std::vector<std::string> &env) {
  if (argv.empty()) {
    return Error{Errc::kInvalid, "no program is given"};
  }
  SVIRT_ASSIGN(Relay relay, Relay::Open());
  const BlockedSignals blocked;
  LaunchSpec spec;
  spec.program = argv.front();
  spec.argv = argv;
  spec.env = env;
  spec.new_session = false;
  spec.fds = relay.child_fds();
  SVIRT_ASSIGN(Child child, LaunchConfined(domain, std::move(spec)));
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
