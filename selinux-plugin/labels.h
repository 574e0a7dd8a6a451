// SPDX-License-Identifier: LGPL-2.1-or-later
// Labels of domains: which are free, which are made, which are valid.
#pragma once

#include <svirt/sdk_driver.h>

#include <string>
#include <string_view>
#include <vector>

#include "base_contexts.h"

namespace svirt::selinux {

using sdk::DomainLabels;

// Category pairs that dynamic labels may have, from the caller's own range: the categories of its
// high level; those that the policy has if its range names none. SVIRT_E_INVALID if that is fewer
// than two categories. Empty for a domain whose label is not dynamic.
svirt_status AvailablePairs(SelinuxApi *api, const svirt_domain &domain,
                            std::vector<svirt_index_run> *runs, svirt_error *error);

// Category pairs that label takes from other domains; empty if it has no categories, or is neither
// of a domain type nor the static label of this domain.
svirt_status ClaimedPairs(SelinuxApi *api, const svirt_domain &domain, const std::string &label,
                          std::vector<svirt_index_run> *runs, svirt_error *error);

// See svirt_plugin.domain_generate_label.
svirt_status GenerateLabels(SelinuxApi *api, const svirt_domain &domain, uint64_t index,
                            DomainLabels *labels, svirt_error *error);

// See svirt_plugin.domain_verify_label.
svirt_status VerifyDomain(SelinuxApi *api, const svirt_domain &domain, svirt_error *error);

// A label that came from outside: our syntax first, canonical form, then the policy. what names it
// in the sentence: "the static label", ...
svirt_status CheckLabel(SelinuxApi *api, std::string_view label, const char *what, Context *parsed,
                        svirt_error *error);

}  // namespace svirt::selinux
