// SPDX-License-Identifier: LGPL-2.1-or-later
// The interface of a hypervisor: starting, asking, changing and ending domains.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/domain/domain.h"
#include "host/domain/manifest.h"
#include "host/domain/resource.h"
#include "host/domain/wall.h"
#include "host/hypervisor/running_domain.h"
#include "host/labels/engine.h"
#include "host/util/refusals.h"
#include "host/util/result.h"

namespace svirt {

// A change of the devices of one running domain.
class LiveChange {
 public:
  virtual ~LiveChange() = default;
  // Is it nothing but devices that come, or nothing but devices that go?
  virtual bool IsAttach() const = 0;
  virtual bool IsDetach() const = 0;
  // Once, before what follows. Nothing is changed yet.
  virtual Status Connect() = 0;
  // Gives the devices to the domain; what it was given before a failure stays until TakeBack.
  virtual Status Attach() = 0;
  // Undoes Attach, as far as it came.
  virtual Status TakeBack() = 0;
  // Takes the devices from the domain. Errc::kConflict if it does not let go in time.
  virtual Status Detach() = 0;
  // Has images that stay opened with the access they have now.
  virtual Status Reopen() = 0;
};

// How long a running domain is waited for that is asked something, and one of many that are gone
// through.
inline constexpr std::chrono::milliseconds kAnswerTime{10000};
inline constexpr std::chrono::milliseconds kPassingAnswerTime{2000};

// Runs domains of some types. Labels are there before Start and stay until after End; both are the
// caller's, who also holds the domain's lock.
class Hypervisor {
 public:
  virtual ~Hypervisor() = default;

  // The domain types that it serves: <domain type=''>.
  virtual std::vector<std::string> Types() const = 0;
  // Is a domain a process of this kernel? Else the hypervisor keeps it by a number.
  virtual bool RunsProcesses() const = 0;

  // Fills in what the XML leaves to the hypervisor.
  virtual void Complete(Domain *domain) const = 0;
  // Can the domain run here, and is all of its XML understood? Adds everything that stands against
  // it. Changes nothing.
  virtual void Check(const Domain &domain, Refusals *refusals) const = 0;
  // Makes what the domain needs and lacks, before its resources are labelled. The run directory is
  // made later.
  virtual Status Prepare(const Domain &domain, const DomainPlace &place) const = 0;

  // How the resources in the XML are to be read, and what it needs besides them.
  virtual ManifestOptions Options() const = 0;
  virtual std::vector<Resource> Resources(const DomainPlace &place) const = 0;

  // Writes the domain down as one that runs, durably.
  using Record = std::function<Status(const RunningDomain &)>;
  // Starts the domain under the labels of the plan, and behind the wall if it is a process. It runs
  // no instruction of its own before its label is verified and record has succeeded. After a
  // failure it has been ended again; the caller makes sure by End before its labels go back.
  virtual Result<RunningDomain> Start(const Domain &domain, const Plan &plan, Engine &engine,
                                      const DomainPlace &place, const Wall &wall,
                                      const Record &record) = 0;
  // Ends it at once and waits until it is gone. Idempotent.
  virtual Status End(const RunningDomain &running) = 0;
  // Does it run still, or is it being started? One that cannot be asked about is an error.
  virtual Result<bool> IsAlive(const RunningDomain &running) = 0;
  // Has the hypervisor itself a domain with that uuid, whoever started it? false where domains are
  // processes, which are known as holders of their labels.
  virtual Result<bool> Has(const std::string &uuid) = 0;
  // patience: how long it may take a domain that is asked itself to answer.
  virtual Result<DomainState> State(const RunningDomain &running, const DomainPlace &place,
                                    std::chrono::milliseconds patience) = 0;

  // What makes of the running domain the next one. Errc::kUnsupported: it cannot be changed so
  // while it runs.
  virtual Result<std::unique_ptr<LiveChange>> PlanChange(const RunningDomain &running,
                                                         const Domain &next,
                                                         const DomainPlace &place) = 0;
};

// Those of this build.
std::vector<std::unique_ptr<Hypervisor>> MakeHypervisors();

}  // namespace svirt
