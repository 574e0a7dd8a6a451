// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/hypervisor/domain_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "host/domain/domain_xml.h"
#include "host/util/file.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t kLargestFile = 16u << 20;
// Version of the status file; one that is not ours is refused rather than misread.
constexpr int kStatusVersion = 1;

constexpr std::string_view kDefinitionSuffix = ".xml";

std::string_view TypeWord(SecLabel::Type type) {
  switch (type) {
    case SecLabel::Type::kDynamic:
      return "dynamic";
    case SecLabel::Type::kStatic:
      return "static";
    case SecLabel::Type::kNone:
      return "none";
    case SecLabel::Type::kDefault:
      break;
  }
  return "default";
}

SecLabel::Type TypeOfWord(const std::string &word) {
  for (const auto type :
       {SecLabel::Type::kDynamic, SecLabel::Type::kStatic, SecLabel::Type::kNone}) {
    if (word == TypeWord(type)) {
      return type;
    }
  }
  return SecLabel::Type::kDefault;
}

json ToJson(const RunningDomain &running) {
  json labels = json::array();
  for (const SecLabel &label : running.domain.seclabels) {
    labels.push_back({{"type", TypeWord(label.type)},
                      {"model", label.model},
                      {"relabel", label.relabel},
                      {"label", label.label},
                      {"image_label", label.image_label},
                      {"base_label", label.base_label}});
  }
  return {{"version", kStatusVersion},
          {"boot_id", running.process.boot_id},
          {"pid", running.process.pid},
          {"start_time", running.process.start_time},
          {"id", running.id},
          {"starting", running.starting},
          {"xml", FormatDomainXml(running.domain, true)},
          {"emulator", running.domain.emulator},
          {"seclabels", labels},
          {"writable_backing", running.domain.writable_backing}};
}

Result<RunningDomain> FromJson(const std::string &text, const std::string &file) {
  const json status = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!status.is_object() || status.value("version", 0) != kStatusVersion) {
    return Error{Errc::kInvalid, file +
                                     " is not a status file of this version of svirt; if no "
                                     "such domain runs, remove it"};
  }
  try {
    RunningDomain running;
    running.process = {status.at("boot_id"), status.at("pid"), status.at("start_time")};
    running.id = status.value("id", running.id);
    running.starting = status.value("starting", running.starting);
    SVIRT_ASSIGN(running.domain, ParseDomainXml(status.at("xml").get<std::string>(), file));
    running.domain.emulator = status.value("emulator", running.domain.emulator);
    running.domain.seclabels.clear();  // what runs has more to say than what was defined
    for (const json &label : status.at("seclabels")) {
      running.domain.seclabels.push_back({TypeOfWord(label.at("type")), label.at("model"),
                                          label.at("relabel"), label.at("label"),
                                          label.at("image_label"), label.at("base_label")});
    }
    running.domain.writable_backing = status.value("writable_backing", std::vector<std::string>());
    return running;
  } catch (const json::exception &e) {
    return Error{Errc::kInvalid, file + " is damaged: " + e.what()};
  }
}

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

Result<StoredDomain> DomainStore::Load(const std::string &uuid) const {
  StoredDomain stored;
  SVIRT_ASSIGN(const std::string xml, ReadFile(DefinitionFile(uuid), kLargestFile));
  SVIRT_ASSIGN(stored.domain, ParseDomainXml(xml, DefinitionFile(uuid)));
  auto status = ReadFile(StatusFile(uuid), kLargestFile);
  if (status.ok()) {
    SVIRT_ASSIGN(stored.running, FromJson(*status, StatusFile(uuid)));
  } else if (status.error().code != Errc::kNotFound) {
    return std::move(status).error();
  }
  return stored;
}

std::vector<std::string> DomainStore::DefinedUuids() const {
  std::vector<std::string> uuids;
  std::error_code ignored;  // a directory that cannot be read has no entries
  for (const auto &entry : fs::directory_iterator(paths_.state_dir + "/domains", ignored)) {
    if (entry.path().extension() == kDefinitionSuffix) {
      uuids.push_back(entry.path().stem().string());
    }
  }
  return uuids;
}

Result<std::vector<StoredDomain>> DomainStore::List() const {
  std::vector<StoredDomain> domains;
  for (const std::string &uuid : DefinedUuids()) {
    auto stored = Load(uuid);
    if (stored.ok()) {
      domains.push_back(std::move(stored).value());
    } else if (stored.error().code != Errc::kNotFound) {  // undefined meanwhile
      return std::move(stored).error();
    }
  }
  std::ranges::sort(domains, {}, [](const StoredDomain &d) { return d.domain.name; });
  return domains;
}

Result<StoredDomain> DomainStore::Find(const std::string &name_or_uuid) const {
  SVIRT_ASSIGN(std::vector<StoredDomain> domains, List());
  for (const bool by_uuid : {true, false}) {
    for (StoredDomain &stored : domains) {
      if ((by_uuid ? stored.domain.uuid : stored.domain.name) == name_or_uuid) {
        return std::move(stored);
      }
    }
  }
  return Error{Errc::kNotFound, "there is no domain '" + name_or_uuid +
                                    "'; 'svirt list --all' shows those there are"};
}

Status DomainStore::Define(const Domain &domain) {
  // Names are unique among all domains, so one definition at a time.
  SVIRT_ASSIGN(const Fd lock, Lock("define"));
  SVIRT_ASSIGN(const std::vector<StoredDomain> domains, List());
  for (const StoredDomain &other : domains) {
    const bool same_name = other.domain.name == domain.name;
    const bool same_uuid = other.domain.uuid == domain.uuid;
    if (same_name != same_uuid) {
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
  return WriteFileAtomic(StatusFile(uuid), ToJson(running).dump(2) + "\n", 0600);
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
