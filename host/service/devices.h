// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of a running domain: labels first on the way in, last on the way out.
#pragma once

#include <string>
#include <string_view>

#include "host/domain/resource.h"
#include "host/hypervisor/running_domain.h"
#include "host/service/definitions.h"
#include "host/service/engines.h"
#include "host/service/machine.h"
#include "host/service/preflight.h"
#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// The definition of the domain stays as it is. Nothing is changed after a failure.
class Devices {
 public:
  Devices(Machine *machine, const Engines *engines, const Definitions *definitions,
          const Preflight *preflight)
      : machine_(machine), engines_(engines), definitions_(definitions), preflight_(preflight) {}

  // Gives a running domain the device in the XML, or takes from it the one that the XML means.
  // kUnsupported where its hypervisor, or a model whose labels stand for a domain's resources,
  // cannot do that while it runs.
  Status Attach(const std::string &name_or_uuid, std::string_view xml,
                const std::string &file) const;
  Status Detach(const std::string &name_or_uuid, std::string_view xml,
                const std::string &file) const;

  // Lets a running domain write to a backing image of its disks, or not any more, and has its
  // emulator open it so: for a block job (block-commit) that writes to it. Whoever asks for the job
  // calls this before and afterwards.
  Status SetAccess(const std::string &name_or_uuid, const std::string &path, bool writable) const;

  // Makes exactly the manifest of the running domain what it may use, and tells it what of that
  // bears no label. known: what it has now.
  Status Relabel(RunningDomain *running, const Manifest &known) const;

 private:
  // A running domain that nobody else changes meanwhile.
  struct LiveDomain {
    Fd lock;
    RunningDomain running;
  };
  Result<LiveDomain> Open(const std::string &name_or_uuid) const;
  Status Relabel(RunningDomain *running, const Manifest &manifest, const Manifest &known) const;
  Status SetRunningAndRelabel(RunningDomain running, const Manifest &known) const;

  Machine *machine_;
  const Engines *engines_;
  const Definitions *definitions_;
  const Preflight *preflight_;
};

}  // namespace svirt
