// SPDX-License-Identifier: LGPL-2.1-or-later
// Definitions of domains: read, kept, found and forgotten.
#pragma once

#include <string>
#include <string_view>

#include "host/domain/domain.h"
#include "host/service/endings.h"
#include "host/service/engines.h"
#include "host/service/machine.h"
#include "host/service/preflight.h"
#include "host/service/store/domain_store.h"
#include "host/util/result.h"

namespace svirt {

class Definitions {
 public:
  Definitions(Machine *machine, const Engines *engines, const Endings *endings,
              const Preflight *preflight)
      : machine_(machine), engines_(engines), endings_(endings), preflight_(preflight) {}

  // Reads a domain and decides its uuid: the XML's; else that of the defined domain with its
  // name; else one made from the name, so that the same file always means the same domain.
  Result<Domain> Parse(std::string_view xml, const std::string &file) const;

  // Keeps the domain, if it could be started on a machine that has all it names. What only this
  // machine lacks now, such as an unplugged device, is reported.
  Result<Domain> Define(std::string_view xml, const std::string &file) const;
  Status Undefine(const std::string &name_or_uuid) const;

  // A domain whose process has ended by itself is cleaned up before it is shown.
  Result<StoredDomain> Find(const std::string &name_or_uuid) const;
  // For who holds the domain's lock.
  Result<StoredDomain> FindLocked(const std::string &uuid) const;
  // Also true if that cannot be found out.
  bool IsDefined(const std::string &uuid) const;

 private:
  Machine *machine_;
  const Engines *engines_;
  const Endings *endings_;
  const Preflight *preflight_;
};

}  // namespace svirt
