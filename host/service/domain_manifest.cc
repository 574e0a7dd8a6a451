// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the one manifest of a domain.
#include "host/service/domain_manifest.h"

#include <utility>

#include "host/util/refusals.h"

namespace svirt {

ManifestOptions OptionsFor(const Machine &machine, const Domain &domain) {
  const auto hypervisor = machine.HypervisorFor(domain);
  return hypervisor.ok() ? (*hypervisor)->Options() : ManifestOptions{};
}

Manifest MakeManifest(const Machine &machine, const Domain &domain, RunBy by,
                      std::vector<Error> *errors) {
  Manifest manifest = BuildManifest(domain, OptionsFor(machine, domain), errors);
  const auto hypervisor = machine.HypervisorFor(domain);
  if (by == RunBy::kHypervisor && hypervisor.ok()) {
    for (Resource &own : (*hypervisor)->Resources(machine.domains().PlaceOf(domain.uuid))) {
      own.by_host = true;
      manifest.resources.push_back(std::move(own));
    }
  }
  return manifest;
}

Result<Manifest> MakeManifest(const Machine &machine, const Domain &domain, RunBy by) {
  std::vector<Error> errors;
  Manifest manifest = MakeManifest(machine, domain, by, &errors);
  SVIRT_TRY(Refusals::Join(errors));
  return manifest;
}

Manifest MakeKnownManifest(const Machine &machine, const Domain &domain) {
  std::vector<Error> unknown;
  return MakeManifest(machine, domain, RunBy::kHypervisor, &unknown);
}

}  // namespace svirt
