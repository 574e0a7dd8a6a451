// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads, keeps, finds and forgets definitions of domains.
#include "host/service/definitions.h"

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "host/domain/domain_xml.h"

namespace svirt {

Result<Domain> Definitions::Parse(std::string_view xml, const std::string &file) const {
  SVIRT_ASSIGN(Domain domain, ParseDomainXml(xml, file));
  if (domain.document.get("domain.uuid", "").empty()) {
    if (auto stored = machine_->domains().FindEvenDamaged(domain.name); stored.ok()) {
      domain.uuid = stored->domain.uuid;
    } else if (stored.error().code == Errc::kNotFound) {
      boost::uuids::name_generator_sha1 generator(boost::uuids::ns::oid());
      domain.uuid = boost::uuids::to_string(generator("svirt domain " + domain.name));
    } else {
      return std::move(stored).error();
    }
  }
  return domain;
}

Result<Domain> Definitions::Define(std::string_view xml, const std::string &file) const {
  SVIRT_ASSIGN(Domain domain, Parse(xml, file));
  SVIRT_ASSIGN(LabelStore *const labels, machine_->Labels());
  const Findings findings = preflight_->ForDefinition(domain, labels);
  SVIRT_TRY(Refusals::Join(findings.refusals.lasting()));
  for (const Error &refusal : findings.refusals.for_now()) {
    machine_->Report({"domain '" + domain.name + "' could not start now: " + refusal.message});
  }
  SVIRT_TRY(machine_->domains().Define(domain));
  return domain;
}

Status Definitions::Undefine(const std::string &name_or_uuid) const {
  SVIRT_ASSIGN(const StoredDomain found, machine_->domains().FindEvenDamaged(name_or_uuid));
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(found.domain.uuid));
  SVIRT_ASSIGN(StoredDomain now, machine_->domains().Get(found.domain.uuid));
  SVIRT_TRY(now.bad_status ? endings_->CleanUpDamaged(now)
                           : endings_->CleanUpIfEnded(&now, kAnswerTime));
  if (now.running) {
    return Error{Errc::kConflict,
                 "domain '" + now.domain.name + "' is running; 'svirt destroy' ends it first"};
  }
  // The registry knows what the run directory may have lost; without its definition nobody could
  // end it any more.
  SVIRT_ASSIGN(const std::vector<ProcessId> processes, endings_->ProcessesOf(now));
  if (!processes.empty()) {
    return Error{Errc::kConflict, "process " + std::to_string(processes.front().pid) +
                                      " runs as domain '" + now.domain.name +
                                      "'; 'svirt destroy' ends it first"};
  }
  SVIRT_ASSIGN(const std::optional<OwnerState> owner, machine_->OwnerOf(now.domain.uuid));
  if (owner && owner->objects > 0) {
    SVIRT_ASSIGN(Engine engine, engines_->ToUndo(now.domain.uuid, owner->owner.virt_type));
    SVIRT_TRY(
        machine_->Reporting([&](auto *notes) { return engine.Forget(now.domain.uuid, notes); }));
  }
  return machine_->domains().Undefine(now.domain.uuid);
}

Result<StoredDomain> Definitions::Find(const std::string &name_or_uuid) const {
  SVIRT_ASSIGN(StoredDomain stored, machine_->domains().Find(name_or_uuid));
  SVIRT_ASSIGN(const bool ended, endings_->HasEnded(stored));
  if (!ended) {
    return stored;
  }
  // Somebody else may be starting it again just now.
  SVIRT_ASSIGN(const Fd lock, machine_->domains().Lock(stored.domain.uuid));
  return FindLocked(stored.domain.uuid);
}

Result<StoredDomain> Definitions::FindLocked(const std::string &uuid) const {
  SVIRT_ASSIGN(StoredDomain stored, machine_->domains().Find(uuid));
  SVIRT_TRY(endings_->CleanUpIfEnded(&stored, kAnswerTime));
  return stored;
}

bool Definitions::IsDefined(const std::string &uuid) const {
  const auto stored = machine_->domains().Find(uuid);
  return stored.ok() || stored.error().code != Errc::kNotFound;
}

}  // namespace svirt
