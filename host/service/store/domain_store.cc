// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/service/store/domain_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "host/domain/domain_xml.h"
#include "host/service/store/status_file.h"
#include "host/util/file.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
constexpr size_t kLargestFile = 16u << 20;

constexpr std::string_view kDefinitionSuffix = ".xml";

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

}  // namespace

DomainStore::DomainStore(Paths paths) : paths_(std::move(paths)) {}

Result<DomainStore> DomainStore::Open(const Paths &paths) {
  for (const std::string &dir : {paths.state_dir + "/domains", paths.state_dir + "/log",
                                 paths.state_dir + "/locks", paths.run_dir + "/domains"}) {
    // What a domain is made of is nobody's business but its owner's.
    SVIRT_TRY(MakeDirectories(dir, 0700));
  }
  return DomainStore(paths);
}

std::string DomainStore::DefinitionFile(const std::string &uuid) const {
  return paths_.state_dir + "/domains/" + uuid + std::string(kDefinitionSuffix);
}

std::string DomainStore::RunDirectory(const std::string &uuid) const {
  return paths_.run_dir + "/domains/" + uuid;
}

// Beside the run directory, not in it: that one is the domain's to write.
std::string DomainStore::StatusFile(const std::string &uuid) const {
  return RunDirectory(uuid) + ".json";
}

DomainPlace DomainStore::PlaceOf(const std::string &uuid) const {
  return {RunDirectory(uuid), paths_.state_dir + "/log/" + uuid + ".log"};
}

Status DomainStore::MakeRunDirectory(const std::string &uuid) const {
  SVIRT_TRY(CloseToGuests(paths_.run_dir + "/domains"));
  return MakeDirectories(RunDirectory(uuid), 0700);
}

Result<Domain> DomainStore::ReadDefinition(const std::string &uuid, const std::string &xml) const {
  SVIRT_ASSIGN(Domain domain, ParseDomainXml(xml, DefinitionFile(uuid)));
  if (domain.uuid != uuid) {
    return Error{Errc::kInvalid, DefinitionFile(uuid) + " is of a domain with the uuid '" +
                                     domain.uuid + "', which its name does not say"};
  }
  return domain;
}

void DomainStore::ReadStatus(StoredDomain *stored) const {
  const std::string file = StatusFile(stored->domain.uuid);
  const auto text = ReadFile(file, kLargestFile);
  if (!text.ok() && text.error().code == Errc::kNotFound) {
    return;
  }
  auto running = text.ok() ? ParseStatus(*text, file) : Result<RunningDomain>(text.error());
  if (running.ok()) {
    stored->running = std::move(running).value();
    return;
  }
  stored->bad_status = std::move(running).error();
  stored->bad_status->message += "; 'svirt destroy " + stored->domain.uuid +
                                 "' ends what runs as the domain, and takes the file away";
  stored->named_process = text.ok() ? SalvageProcess(*text) : std::nullopt;
}

Result<StoredDomain> DomainStore::Load(const std::string &uuid) const {
  StoredDomain stored;
  const auto xml = ReadFile(DefinitionFile(uuid), kLargestFile);
  if (!xml.ok() && xml.error().code == Errc::kNotFound) {
    return xml.error();
  }
  auto domain = xml.ok() ? ReadDefinition(uuid, *xml) : Result<Domain>(xml.error());
  if (domain.ok()) {
    stored.domain = std::move(domain).value();
  } else {
    stored.domain.uuid = uuid;
    stored.bad_definition = std::move(domain).error();
    stored.bad_definition->message +=
        "; define the domain anew, with this uuid, or forget it: "
        "'svirt undefine " +
        uuid + "'";
  }
  ReadStatus(&stored);
  if (stored.bad_definition && stored.running) {
    stored.domain.name = stored.running->domain.name;
    stored.domain.type = stored.running->domain.type;
  }
  return stored;
}

Result<std::vector<std::string>> DomainStore::DefinedUuids() const {
  const std::string directory = paths_.state_dir + "/domains";
  std::vector<std::string> uuids;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == kDefinitionSuffix) {
      uuids.push_back(it->path().stem().string());
    }
  }
  if (error) {
    return SystemError(error.value(), "cannot read the domains in " + directory);
  }
  return uuids;
}

Result<std::vector<StoredDomain>> DomainStore::List() const {
  std::vector<StoredDomain> domains;
  SVIRT_ASSIGN(const std::vector<std::string> uuids, DefinedUuids());
  for (const std::string &uuid : uuids) {
    auto stored = Load(uuid);
    if (stored.ok()) {
      domains.push_back(std::move(stored).value());
    } else if (stored.error().code != Errc::kNotFound) {  // undefined meanwhile
      return std::move(stored).error();
    }
  }
  std::ranges::sort(domains, {}, [](const StoredDomain &stored) {
    return std::pair(stored.domain.name, stored.domain.uuid);
  });
  return domains;
}

Result<StoredDomain> DomainStore::FindEvenDamaged(const std::string &name_or_uuid) const {
  SVIRT_ASSIGN(const std::vector<std::string> uuids, DefinedUuids());
  if (std::ranges::find(uuids, name_or_uuid) != uuids.end()) {
    if (auto stored = Load(name_or_uuid); stored.ok() || stored.error().code != Errc::kNotFound) {
      return stored;
    }
  }
  SVIRT_ASSIGN(std::vector<StoredDomain> domains, List());
  std::string nameless;
  for (StoredDomain &stored : domains) {
    if (stored.domain.name == name_or_uuid && !name_or_uuid.empty()) {
      return std::move(stored);
    }
    if (stored.domain.name.empty()) {
      nameless += (nameless.empty() ? "" : ", ") + stored.domain.uuid;
    }
  }
  return Error{Errc::kNotFound,
               "there is no domain '" + name_or_uuid +
                   "'; 'svirt list --all' shows those there are" +
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
  SVIRT_ASSIGN(const std::vector<StoredDomain> domains, List());
  for (const StoredDomain &other : domains) {
    const bool same_name = other.domain.name == domain.name;
    const bool same_uuid = other.domain.uuid == domain.uuid;
    const bool is_mended = same_uuid && other.domain.name.empty();
    if (same_name != same_uuid && !is_mended) {
      return Error{Errc::kExists, "domain '" + other.domain.name + "' with uuid " +
                                      other.domain.uuid + " exists already; give the new one " +
                                      (same_name ? "another name, or that uuid" : "another uuid")};
    }
  }
  return WriteFileAtomic(DefinitionFile(domain.uuid), FormatDomainXml(domain, true), 0600);
}

Status DomainStore::Undefine(const std::string &uuid) {
  if (::unlink(DefinitionFile(uuid).c_str()) != 0) {
    return SystemError(errno, "cannot remove " + DefinitionFile(uuid));
  }
  return {};
}

Status DomainStore::SetRunning(const std::string &uuid, const RunningDomain &running) {
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

Result<Fd> DomainStore::Lock(const std::string &uuid) const {
  const std::string file = paths_.state_dir + "/locks/" + uuid + ".lock";
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    return SystemError(errno, "cannot open the lock " + file);
  }
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) {
      return SystemError(errno, "cannot take the lock " + file);
    }
  }
  return fd;
}

}  // namespace svirt
