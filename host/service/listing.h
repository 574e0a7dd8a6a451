// SPDX-License-Identifier: LGPL-2.1-or-later
// All domains, whatever is wrong with one of them.
#pragma once

#include <optional>
#include <vector>

#include "host/hypervisor/running_domain.h"
#include "host/service/definitions.h"
#include "host/service/endings.h"
#include "host/service/inspection.h"
#include "host/service/machine.h"
#include "host/service/store/domain_store.h"
#include "host/util/result.h"

namespace svirt {

struct ListedDomain {
  StoredDomain stored;
  std::optional<DomainState> state;  // none: it cannot be told
  // What is wrong with it. Of one that is shut off: why its end could not be cleaned up.
  std::optional<Error> problem;
};

class Listing {
 public:
  Listing(Machine *machine, const Endings *endings, const Definitions *definitions,
          const Inspection *inspection)
      : machine_(machine), endings_(endings), definitions_(definitions), inspection_(inspection) {}

  // Not those that are undefined while they are looked at.
  Result<std::vector<ListedDomain>> All() const;

 private:
  // What a domain that runs as a process said of its state; others are not asked together.
  using Answer = std::optional<Result<DomainState>>;
  std::vector<Answer> AskAll(const std::vector<StoredDomain> &domains) const;
  std::optional<ListedDomain> One(StoredDomain stored, const Answer &answer,
                                  PassingLocks *locks) const;

  // Why what runs is not confined or known as it was started.
  std::optional<Error> Lost(const StoredDomain &stored, PassingLocks *locks) const;

  Machine *machine_;
  const Endings *endings_;
  const Definitions *definitions_;
  const Inspection *inspection_;
};

}  // namespace svirt
