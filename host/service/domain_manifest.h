// SPDX-License-Identifier: LGPL-2.1-or-later
// The one manifest of a domain: what its XML names, and what its hypervisor needs besides.
#pragma once

#include <vector>

#include "host/domain/domain.h"
#include "host/domain/manifest.h"
#include "host/domain/resource.h"
#include "host/service/machine.h"
#include "host/util/result.h"

namespace svirt {

// kHypervisor: the domain is started by ours, if one serves its type. kOthers: it is only labelled,
// or a program runs as it, for other VM managers: they have no run directory and log of ours.
enum class RunBy { kHypervisor, kOthers };

// Everything that the domain opens. Plans, starts, changes, labels and programs that run as the
// domain all work with this one.
Result<Manifest> MakeManifest(const Machine &machine, const Domain &domain,
                              RunBy by = RunBy::kHypervisor);

// The same as far as it can be told, with an error for each resource that cannot.
Manifest MakeManifest(const Machine &machine, const Domain &domain, RunBy by,
                      std::vector<Error> *errors);

// The same for a domain that runs: a device that is gone by itself is in no manifest.
Manifest MakeKnownManifest(const Machine &machine, const Domain &domain);

// How the resources in the XML of a domain are to be read.
ManifestOptions OptionsFor(const Machine &machine, const Domain &domain);

}  // namespace svirt
