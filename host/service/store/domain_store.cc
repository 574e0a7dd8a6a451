// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds and keeps definitions and status files of domains, by key.
#include "host/service/store/domain_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

#include "host/domain/uuid.h"
#include "host/service/store/status_file.h"
#include "host/util/file.h"
#include "host/util/file_lock.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
constexpr size_t kLargestStatus = 16u << 20;
constexpr std::string_view kStatusSuffix = ".json";

// Not every kernel asks its security module who connects to a socket file, and emulators that run
// as root all own each other's directories. An emulator uses its own as working directory and needs
// no way to it; a directory without any mode bits lets only those pass who override them, which the
// host does and a confined emulator does not.
Status CloseToGuests(const std::string &parent) {
  if (::geteuid() != 0) {
    return {};
  }
  if (::chmod(parent.c_str(), 0) != 0) {
    return SystemError(errno, "cannot close " + parent);
  }
  // Root without CAP_DAC_OVERRIDE would lock itself out.
  if (::faccessat(AT_FDCWD, parent.c_str(), W_OK | X_OK, AT_EACCESS) != 0 &&
      ::chmod(parent.c_str(), 0700) != 0) {
    return SystemError(errno, "cannot open " + parent);
  }
  return {};
}

Status MakeAll(const Paths &paths) {
  for (const std::string &dir : {paths.state_dir + "/domains", paths.state_dir + "/log",
                                 paths.state_dir + "/locks", paths.run_dir + "/domains"}) {
    // What a domain is made of is nobody's business but its owner's.
    SVIRT_TRY(MakeDirectories(dir, 0700));
  }
  return {};
}

}  // namespace

DomainStore::DomainStore(const Paths &paths)
    : paths_(paths),
      definitions_(paths_.state_dir + "/domains", paths_.state_dir + "/domains.index",
                   paths_.state_dir + "/locks/index.lock"),
      made_(MakeAll(paths)) {}

std::string DomainStore::RunDirectory(const std::string &uuid) const {
  return paths_.run_dir + "/domains/" + uuid;
}

// Beside the run directory, not in it: that one is the domain's to write.
std::string DomainStore::StatusFile(const std::string &uuid) const {
  return RunDirectory(uuid) + std::string(kStatusSuffix);
}

DomainPlace DomainStore::PlaceOf(const std::string &uuid) const {
  return {RunDirectory(uuid), paths_.state_dir + "/log/" + uuid + ".log"};
}

Status DomainStore::MakeRunDirectory(const std::string &uuid) const {
  SVIRT_TRY(made_);
  SVIRT_TRY(CloseToGuests(paths_.run_dir + "/domains"));
  return MakeDirectories(RunDirectory(uuid), 0700);
}

void DomainStore::ReadStatus(StoredDomain *stored) const {
  const std::string file = StatusFile(stored->domain.uuid);
  const auto text = ReadRegularFile(file, kLargestStatus);
  if (!text.ok() && text.error().code == Errc::kNotFound) {
    return;
  }
  auto running = text.ok() ? ParseStatus(*text, file) : Result<RunningDomain>(text.error());
  if (running.ok()) {
    stored->running = std::move(running).value();
    if (stored->bad_definition) {
      stored->domain.name = stored->running->domain.name;
      stored->domain.type = stored->running->domain.type;
    }
    return;
  }
  stored->bad_status = std::move(running).error();
  stored->bad_status->message += stored->bad_status->code == Errc::kPermission
                                     ? "; ask as the user whose domain it is"
                                     : "; 'svirt destroy " + stored->domain.uuid +
                                           "' ends what runs as the domain, and takes the file "
                                           "away";
  stored->named_process = text.ok() ? SalvageProcess(*text) : std::nullopt;
}

Result<StoredDomain> DomainStore::Get(const std::string &uuid) const {
  SVIRT_ASSIGN(Definition definition, definitions_.Read(uuid));
  StoredDomain stored{std::move(definition.domain), {}, std::move(definition.damage), {}, {}};
  ReadStatus(&stored);
  return stored;
}

Result<std::set<std::string>> DomainStore::Traces() const {
  SVIRT_TRY(made_);
  const std::string directory = paths_.run_dir + "/domains";
  std::set<std::string> uuids;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    uuids.insert(name.substr(0, name.find(kStatusSuffix)));
  }
  if (error) {
    return SystemError(error.value(), "cannot read what runs in " + directory);
  }
  return uuids;
}

Result<std::vector<StoredDomain>> DomainStore::List() const {
  SVIRT_TRY(made_);
  SVIRT_ASSIGN(std::vector<DefinitionFiles::Known> all, definitions_.All());
  SVIRT_ASSIGN(const std::set<std::string> traces, Traces());
  std::vector<StoredDomain> domains;
  domains.reserve(all.size());
  for (DefinitionFiles::Known &known : all) {
    StoredDomain &stored = domains.emplace_back();
    stored.domain.uuid = std::move(known.uuid);
    stored.domain.name = std::move(known.name);
    stored.domain.type = std::move(known.type);
    stored.bad_definition = std::move(known.damage);
    if (traces.contains(stored.domain.uuid)) {
      ReadStatus(&stored);
    }
  }
  const auto order = [](const StoredDomain &stored) {
    return std::tie(stored.domain.name, stored.domain.uuid);
  };
  // Only names that a status told are out of place yet, and domains are no light things to move.
  if (!std::ranges::is_sorted(domains, {}, order)) {
    std::ranges::sort(domains, {}, order);
  }
  return domains;
}

// By uuid and, mostly, by name this opens what is of that domain, whatever else there is.
Result<StoredDomain> DomainStore::FindEvenDamaged(const std::string &name_or_uuid) const {
  SVIRT_TRY(made_);
  if (const auto uuid = ParseUuid(name_or_uuid); uuid.ok()) {
    if (auto stored = Get(*uuid); stored.ok() || stored.error().code != Errc::kNotFound) {
      return stored;
    }
  }
  if (const auto uuid = definitions_.Guess(name_or_uuid)) {
    if (auto stored = Get(*uuid); stored.ok() && stored->domain.name == name_or_uuid) {
      return stored;
    }
  }
  return Search(name_or_uuid);
}

Result<StoredDomain> DomainStore::Search(const std::string &name) const {
  SVIRT_ASSIGN(std::vector<DefinitionFiles::Known> all, definitions_.All());
  const auto is_it = [&](const std::string &text) { return text == name && !name.empty(); };
  std::string nameless;
  std::optional<Error> unseen;
  std::optional<StoredDomain> found, stray;
  for (const DefinitionFiles::Known &known : all) {
    if (!known.damage && !is_it(known.name)) {
      continue;
    }
    auto stored = Get(known.uuid);
    if (!stored.ok() && stored.error().code == Errc::kNotFound) {
      continue;  // undefined meanwhile
    }
    SVIRT_TRY(stored);
    if (stored->domain.name.empty()) {
      stored->domain.name = known.name;
    }
    if (is_it(stored->domain.name)) {
      if (found) {
        return Error{Errc::kConflict, "'" + name + "' may be the domain " + found->domain.uuid +
                                          " or " + known.uuid + ": say which by its uuid"};
      }
      found = std::move(stored).value();
    } else if (is_it(known.uuid)) {
      stray = std::move(stored).value();  // a file that is named as no definition is
    } else if (stored->domain.name.empty()) {
      nameless += (nameless.empty() ? "" : ", ") + known.uuid;
      if (stored->bad_definition && stored->bad_definition->code == Errc::kPermission) {
        unseen = stored->bad_definition;
      }
    }
  }
  if (found || stray) {
    return std::move(found ? *found : *stray);
  }
  if (unseen) {
    unseen->message = "whether there is a domain '" + name + "' cannot be told: " + unseen->message;
    return *unseen;
  }
  return Error{Errc::kNotFound,
               "there is no domain '" + name + "'; 'svirt list --all' shows those there are" +
                   (nameless.empty() ? ""
                                     : ", also those whose definition, being damaged, does "
                                       "not tell the name: " +
                                           nameless)};
}

Result<StoredDomain> DomainStore::Find(const std::string &name_or_uuid) const {
  SVIRT_ASSIGN(StoredDomain stored, FindEvenDamaged(name_or_uuid));
  if (const Error *damage = stored.damage()) {
    return *damage;
  }
  return stored;
}

Status DomainStore::Define(const Domain &domain) {
  // Names are unique among all domains, so one definition at a time.
  SVIRT_ASSIGN(const Fd lock, Lock("define"));
  SVIRT_ASSIGN(std::vector<DefinitionFiles::Known> all, definitions_.All());
  for (DefinitionFiles::Known &other : all) {
    if (other.damage) {
      if (const auto stored = Get(other.uuid); stored.ok()) {
        other.name = stored->domain.name;  // its status may tell it
      }
    }
    const bool same_name = other.name == domain.name;
    const bool same_uuid = other.uuid == domain.uuid;
    const bool is_mended = same_uuid && other.name.empty();
    if (same_name != same_uuid && !is_mended) {
      return Error{Errc::kExists, "domain '" + other.name + "' with uuid " + other.uuid +
                                      " exists already; give the new one " +
                                      (same_name ? "another name, or that uuid" : "another uuid")};
    }
  }
  return definitions_.Write(domain);
}

Status DomainStore::Undefine(const std::string &uuid) {
  return definitions_.Remove(uuid);
}

Status DomainStore::SetRunning(const std::string &uuid, const RunningDomain &running) {
  SVIRT_TRY(made_);
  return WriteFileAtomic(StatusFile(uuid), FormatStatus(running), 0600);
}

Status DomainStore::ClearRunning(const std::string &uuid) {
  std::error_code error;
  fs::remove_all(RunDirectory(uuid), error);
  for (const std::string &file : {StatusFile(uuid), UnfinishedFile(StatusFile(uuid))}) {
    if (!error) {
      fs::remove(file, error);
    }
  }
  if (error) {
    return SystemError(error.value(), "cannot remove " + RunDirectory(uuid));
  }
  return {};
}

Result<Fd> DomainStore::Lock(const std::string &uuid, std::chrono::milliseconds patience) const {
  SVIRT_TRY(made_);
  if (uuid.find('/') != std::string::npos) {
    return Error{Errc::kInvalid, "'" + uuid + "' is not the uuid of a domain"};
  }
  return LockFile(paths_.state_dir + "/locks/" + uuid + ".lock", patience);
}

Result<Fd> PassingLocks::Lock(const std::string &uuid) {
  using std::chrono::steady_clock;
  // Most are free again soon.
  constexpr std::chrono::milliseconds kLeast{20};
  const auto begin = steady_clock::now();
  auto lock = store_->Lock(uuid, std::max(left_, kLeast));
  if (!lock.ok() && lock.error().code == Errc::kConflict) {
    left_ -= std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin);
    kept_.insert(uuid);
  }
  return lock;
}

}  // namespace svirt
