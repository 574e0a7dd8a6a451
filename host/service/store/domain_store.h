// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/domain/domain.h"
#include "host/hypervisor/running_domain.h"
#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// A domain as the store keeps it. What is wrong with the files of one is no matter of the others.
struct StoredDomain {
  // As defined. Of a damaged definition only the uuid, and what the status tells: name and type.
  Domain domain;
  std::optional<RunningDomain> running;  // it may have ended meanwhile: ask its hypervisor
  // Why its definition, or its status, cannot be used, with what mends it.
  std::optional<Error> bad_definition, bad_status;
  // With a bad status, which leaves open whether it runs: the process that this still names.
  std::optional<ProcessId> named_process;

  const Error *damage() const {
    return bad_definition ? &*bad_definition : bad_status ? &*bad_status : nullptr;
  }
};

// Definitions (state directory) and status of running domains (run directory), one file each,
// named by uuid, replaced atomically.
class DomainStore {
 public:
  // Makes the directories.
  static Result<DomainStore> Open(const Paths &paths);

  // The domain with this uuid, or else this name. Of a damaged one the error that says so.
  Result<StoredDomain> Find(const std::string &name_or_uuid) const;
  Result<StoredDomain> FindEvenDamaged(const std::string &name_or_uuid) const;
  // All of them, damaged ones too, by name.
  Result<std::vector<StoredDomain>> List() const;

  // Errc::kExists if the name belongs to another uuid or the uuid to another name. A damaged
  // definition is replaced.
  Status Define(const Domain &domain);
  Status Undefine(const std::string &uuid);

  Status SetRunning(const std::string &uuid, const RunningDomain &running);
  // Forgets the status and removes the run directory of the domain.
  Status ClearRunning(const std::string &uuid);

  // The domain's own run directory; MakeRunDirectory makes it, mode 0700, in a directory that other
  // domains cannot pass, even where they run as root.
  std::string RunDirectory(const std::string &uuid) const;
  Status MakeRunDirectory(const std::string &uuid) const;
  // The run directory, and the file for its output.
  DomainPlace PlaceOf(const std::string &uuid) const;

  // One command at a time changes a domain; waits for the one before it. Released with the
  // descriptor, also when the process dies.
  Result<Fd> Lock(const std::string &uuid) const;

 private:
  explicit DomainStore(Paths paths);
  Result<std::vector<std::string>> DefinedUuids() const;
  // Errc::kNotFound: it is not defined.
  Result<StoredDomain> Load(const std::string &uuid) const;
  Result<Domain> ReadDefinition(const std::string &uuid, const std::string &xml) const;
  void ReadStatus(StoredDomain *stored) const;
  std::string DefinitionFile(const std::string &uuid) const;
  std::string StatusFile(const std::string &uuid) const;

  Paths paths_;
};

}  // namespace svirt
