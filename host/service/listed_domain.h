// SPDX-License-Identifier: LGPL-2.1-or-later
// One row of a list of domains.
#pragma once

#include <chrono>
#include <optional>

#include "host/hypervisor/running_domain.h"
#include "host/service/store/domain_store.h"
#include "host/util/result.h"

namespace svirt {

// How long one domain may hold up the list of all.
inline constexpr std::chrono::milliseconds kListAnswerTime{2000};

// A domain as it is listed: whatever is wrong with one, the others are told of.
struct ListedDomain {
  StoredDomain stored;
  std::optional<DomainState> state;  // none: it cannot be told
  // What is wrong with it. Of one that is shut off: why its end could not be cleaned up.
  std::optional<Error> problem;
};

}  // namespace svirt
