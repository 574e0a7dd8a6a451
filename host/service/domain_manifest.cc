// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the one manifest of a domain.
#include "host/service/domain_manifest.h"

#include <utility>

namespace svirt {

ManifestOptions OptionsFor(const Machine &machine, const Domain &domain) {
  const auto hypervisor = machine.HypervisorFor(domain);
  return hypervisor.ok() ? (*hypervisor)->Options() : ManifestOptions{};
}

Result<Manifest> MakeManifest(const Machine &machine, const Domain &domain, RunBy by) {
  SVIRT_ASSIGN(Manifest manifest, BuildManifest(domain, OptionsFor(machine, domain)));
  const auto hypervisor = machine.HypervisorFor(domain);
  if (by == RunBy::kHypervisor && hypervisor.ok()) {
    for (Resource &own : (*hypervisor)->Resources(machine.domains().PlaceOf(domain.uuid))) {
      own.by_host = true;
      manifest.resources.push_back(std::move(own));
    }
  }
  return manifest;
}

Manifest MakeKnownManifest(const Machine &machine, const Domain &domain) {
  auto manifest = MakeManifest(machine, domain);
  return manifest.ok() ? std::move(*manifest) : Manifest{};
}

}  // namespace svirt
