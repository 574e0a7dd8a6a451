// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/service/policy_text.h"

#include <utility>

#include "host/domain/manifest.h"
#include "host/labels/draft.h"
#include "host/labels/opened_manifest.h"
#include "host/labels/seclabel_rules.h"

namespace svirt {
Result<std::vector<PolicyText>> DescribePolicies(SecurityDrivers *drivers, const Domain &domain) {
  SVIRT_ASSIGN(const Manifest manifest, BuildManifest(domain, ManifestOptions{}));
  SVIRT_ASSIGN(const std::vector<Candidate> candidates, drivers->Candidates(domain.type));
  std::vector<PolicyText> policies;
  for (const Candidate &candidate : candidates) {
    if (candidate.plugin == nullptr) {
      continue;
    }
    const auto choices = ChooseModels(domain, {candidate.plugin}, ConfinementPolicy{});
    if (!choices.ok() || choices->empty()) {
      continue;
    }
    SVIRT_ASSIGN(const auto opened, OpenedManifest::Open(manifest, false, nullptr));
    const DomainRef ref = MakeDomainRef(domain, choices->front().seclabel, opened->Refs());
    SVIRT_ASSIGN(auto text, candidate.plugin->Describe(ref));
    if (text) {
      policies.push_back({candidate.model, std::move(*text)});
    }
  }
  return policies;
}

}  // namespace svirt
