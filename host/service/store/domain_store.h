// SPDX-License-Identifier: LGPL-2.1-or-later
// Definitions of domains, and the status of those that run.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/domain/domain.h"
#include "host/hypervisor/running_domain.h"
#include "host/service/store/definition_files.h"
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

// How long a command waits for another one that changes the same domain.
inline constexpr std::chrono::milliseconds kLockPatience{30000};

// Definitions (state directory) and status of running domains (run directory), one file each,
// named by uuid, replaced atomically.
class DomainStore {
 public:
  // Makes the directories. Where that fails, all that needs them fails with what it was.
  explicit DomainStore(const Paths &paths);
  const Status &made() const { return made_; }

  // The domain with this uuid, or else this name. Of a damaged one the error that says so.
  // Errc::kPermission, and never kNotFound, where this user may not see whether there is one.
  Result<StoredDomain> Find(const std::string &name_or_uuid) const;
  Result<StoredDomain> FindEvenDamaged(const std::string &name_or_uuid) const;
  // The one with just this uuid, without a look at others. Errc::kNotFound: it is not defined.
  Result<StoredDomain> Get(const std::string &uuid) const;
  // All of them, damaged ones too, by name. Of what is defined only uuid, name and type are told,
  // which needs no look into definitions that have not changed.
  Result<std::vector<StoredDomain>> List() const;
  // The uuids of which there is anything in the run directory. Of a domain without it nothing runs,
  // and no start has left anything there.
  Result<std::set<std::string>> Traces() const;

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

  // One command at a time changes a domain; waits for the one before it, but not for ever:
  // Errc::kConflict says who it is (file_lock.h). Released with the descriptor, also when the
  // process dies.
  Result<Fd> Lock(const std::string &uuid,
                  std::chrono::milliseconds patience = kLockPatience) const;

 private:
  // Looks at all of them for the name.
  Result<StoredDomain> Search(const std::string &name) const;
  void ReadStatus(StoredDomain *stored) const;
  std::string StatusFile(const std::string &uuid) const;

  Paths paths_;
  DefinitionFiles definitions_;
  Status made_;  // the directories
};

// Locks for who goes through all domains. Those that somebody else keeps hold him up by a second
// together, not each.
class PassingLocks {
 public:
  explicit PassingLocks(const DomainStore *store) : store_(store) {}

  Result<Fd> Lock(const std::string &uuid);
  // Did somebody else keep it?
  bool WasKept(const std::string &uuid) const { return kept_.contains(uuid); }

 private:
  const DomainStore *store_;
  std::chrono::milliseconds left_{1000};
  std::set<std::string> kept_;
};

}  // namespace svirt
