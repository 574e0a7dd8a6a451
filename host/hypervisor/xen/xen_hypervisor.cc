// SPDX-License-Identifier: LGPL-2.1-or-later
// Builds domains paused, verifies their labels, and destroys what fails.
#include "host/hypervisor/xen/xen_hypervisor.h"

#include <unistd.h>

#include <cerrno>
#include <optional>
#include <thread>
#include <utility>

#include "host/hypervisor/xen/xen_elements.h"
#include "host/hypervisor/xen/xl_config.h"
#include "host/util/file.h"

namespace svirt {
namespace {

// A name without '=', which xl would take for a line of the configuration.
constexpr const char *kConfigFile = "xl.cfg";

constexpr auto kPollInterval = std::chrono::milliseconds(100);

Error AddError(Error error, const std::string &between, const Error &other) {
  error.message += between + other.message;
  return error;
}

}  // namespace

// Numbers are not given twice: another one under that uuid is somebody else's.
Result<std::optional<XenDomain>> XenHypervisor::FindOwn(const RunningDomain &running) const {
  SVIRT_ASSIGN(std::optional<XenDomain> there, xl_.FindDomain(running.domain.uuid));
  if (there && running.id >= 0 && there->id != running.id) {
    there.reset();
  }
  return there;
}

void XenHypervisor::Check(const Domain &domain, Refusals *refusals) const {
  CheckXenElements(domain, refusals);
  if (const auto config = BuildXlConfig(domain, ""); refusals->empty() && !config.ok()) {
    refusals->Add(config.error());
  }
  if (const auto xl = runner_->Find(); !xl.ok()) {
    refusals->AddForNow(xl.error());
  }
  for (const std::string &file : {domain.kernel, domain.initrd}) {
    if (!file.empty() && ::access(file.c_str(), R_OK) != 0) {
      refusals->AddForNow(SystemError(errno, "cannot read " + file));
    }
  }
}

Status XenHypervisor::Prepare(const Domain &domain, const DomainPlace &) const {
  // From here on what has this uuid is ours to destroy.
  SVIRT_ASSIGN(const auto there, xl_.FindDomain(domain.uuid));
  if (there) {
    return Error{Errc::kExists, "the hypervisor has a domain with uuid " + domain.uuid +
                                    " already (number " + std::to_string(there->id) +
                                    "), which was not started here: give this one another uuid, "
                                    "or end that one with 'xl destroy'"};
  }
  return {};
}

ManifestOptions XenHypervisor::Options() const {
  ManifestOptions options;
  options.pci_by_sysfs = true;
  return options;
}

Result<RunningDomain> XenHypervisor::Start(const Domain &domain, const Plan &plan, Engine &engine,
                                           const DomainPlace &place, const Wall &,
                                           const Record &record) {
  SVIRT_ASSIGN(const std::string build_label, engine.PrepareBuild(domain, plan));
  if (!build_label.empty() && !domain.hostdevs.empty()) {
    return Error{Errc::kUnsupported,
                 "domain " + domain.name +
                     ": PCI devices of a confined domain need labels that could be read back and "
                     "restored, which the hypervisor does not offer; only a domain with "
                     "<seclabel type='none'/> can have them"};
  }
  RunningDomain running;
  running.domain = domain;
  running.domain.seclabels = plan.seclabels();
  Status built = Build(plan, engine, place, build_label, record, &running);
  if (built.ok()) {
    return running;
  }
  Error error = std::move(built).error();
  if (Status ended = End(running); !ended.ok()) {
    return AddError(std::move(error),
                    "; and what was built of it could not be destroyed: ", ended.error());
  }
  return error;
}

// Written down, and its labels kept, before there is anything that could need them: whenever this
// process ends, the next command finds the domain and destroys what is not whole.
Status XenHypervisor::Build(const Plan &plan, Engine &engine, const DomainPlace &place,
                            const std::string &build_label, const Record &record,
                            RunningDomain *running) {
  const Domain &domain = running->domain;
  SVIRT_ASSIGN(running->process, IdentifyProcess(::getpid()));
  SVIRT_ASSIGN(const std::string config, BuildXlConfig(domain, build_label));
  SVIRT_TRY(WriteFileAtomic(place.run_dir + "/" + kConfigFile, config, 0600));
  SVIRT_TRY(record(*running));
  SVIRT_TRY(engine.Pin(domain.uuid, PinnedFor::kHypervisor));
  SVIRT_TRY(xl_.Create(place.run_dir, kConfigFile));
  SVIRT_ASSIGN(const std::optional<XenDomain> built, xl_.FindDomain(domain.uuid));
  if (!built || built->is_shut_down || built->is_dying) {
    return Error{Errc::kSystem, "xl create has succeeded, but the hypervisor has no domain " +
                                    domain.name + " with uuid " + domain.uuid};
  }
  if (!built->is_paused) {
    return Refusal("domain " + domain.name +
                   " runs although xl was to create it paused, before its label was verified");
  }
  SVIRT_TRY(engine.VerifyBuild(domain, plan, built->id, build_label));
  SVIRT_TRY(engine.FinishBuild(domain, plan, built->id));
  RunningDomain whole = *running;
  whole.id = built->id;
  SVIRT_TRY(record(whole));
  SVIRT_TRY(xl_.Unpause(whole.id));
  *running = std::move(whole);
  return {};
}

Status XenHypervisor::End(const RunningDomain &running) {
  const auto deadline = std::chrono::steady_clock::now() + end_timeout_;
  SVIRT_ASSIGN(std::optional<XenDomain> there, FindOwn(running));
  if (!there) {
    return {};
  }
  const Status destroyed = xl_.Destroy(there->id);
  for (;;) {
    SVIRT_ASSIGN(there, FindOwn(running));
    if (!there) {
      return {};
    }
    if (!destroyed.ok() && !there->is_dying) {
      return destroyed.error();
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error{Errc::kSystem, "domain " + running.domain.name + " (number " +
                                      std::to_string(there->id) +
                                      ") does not end although it was destroyed: another domain "
                                      "still holds its memory; its labels stay until it is gone: "
                                      "try 'svirt destroy' again later"};
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

Result<bool> XenHypervisor::IsAlive(const RunningDomain &running) {
  if (running.id < 0) {
    return IsRunning(running.process);  // else who was to start it has ended half way
  }
  SVIRT_ASSIGN(const std::optional<XenDomain> there, FindOwn(running));
  // One that is being destroyed is gone when the memory that others hold is given back; nobody
  // waits for that here.
  return there && (there->is_dying || !there->is_shut_down);
}

Result<bool> XenHypervisor::Has(const std::string &uuid) {
  SVIRT_ASSIGN(const std::optional<XenDomain> there, xl_.FindDomain(uuid));
  return there.has_value();
}

Result<DomainState> XenHypervisor::State(const RunningDomain &running, const DomainPlace &,
                                         std::chrono::milliseconds) {
  SVIRT_ASSIGN(const std::optional<XenDomain> there, FindOwn(running));
  if (!there || there->is_dying || there->is_shut_down) {
    return DomainState::kShutOff;
  }
  return there->is_paused ? DomainState::kPaused : DomainState::kRunning;
}

Result<std::unique_ptr<LiveChange>> XenHypervisor::PlanChange(const RunningDomain &running,
                                                              const Domain &, const DomainPlace &) {
  return Error{Errc::kUnsupported, "domain '" + running.domain.name +
                                       "' is one of Xen, whose devices are not changed while it "
                                       "runs: define it with the change and start it anew"};
}

}  // namespace svirt
