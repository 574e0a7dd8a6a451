// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and writes definitions, opening only what has changed since the index was made.
#include "host/service/store/definition_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <tuple>

#include "host/domain/domain_xml.h"
#include "host/util/file.h"
#include "host/util/file_lock.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestDefinition = 16u << 20;
constexpr std::string_view kSuffix = ".xml";

}  // namespace

std::string DefinitionFiles::File(const std::string &uuid) const {
  return directory_ + "/" + uuid + std::string(kSuffix);
}

Result<Domain> DefinitionFiles::Parse(const std::string &uuid, const std::string &xml) const {
  SVIRT_ASSIGN(Domain domain, ParseDomainXml(xml, File(uuid)));
  if (domain.uuid != uuid) {
    return Error{Errc::kInvalid, File(uuid) + " is of a domain with the uuid '" + domain.uuid +
                                     "', which its name does not say"};
  }
  return domain;
}

Result<Definition> DefinitionFiles::Read(const std::string &uuid) const {
  const std::string file = File(uuid);
  const auto xml = ReadRegularFile(file, kLargestDefinition);
  struct stat st {};
  if (!xml.ok() && (xml.error().code == Errc::kNotFound || ::lstat(file.c_str(), &st) != 0)) {
    return xml.error();
  }
  Definition definition;
  auto domain = xml.ok() ? Parse(uuid, *xml) : Result<Domain>(xml.error());
  if (domain.ok()) {
    definition.domain = std::move(domain).value();
    return definition;
  }
  definition.domain.uuid = uuid;
  definition.damage = std::move(domain).error();
  definition.damage->message += definition.damage->code == Errc::kPermission
                                    ? "; ask as the user whose domain it is"
                                    : "; define the domain anew, with this uuid, or forget it: "
                                      "'svirt undefine " +
                                          uuid + "'";
  return definition;
}

Result<std::vector<std::string>> DefinitionFiles::Uuids() const {
  std::vector<std::string> uuids;
  std::error_code error;
  for (fs::directory_iterator it(directory_, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() == kSuffix) {
      uuids.push_back(it->path().stem().string());
    }
  }
  if (error) {
    return SystemError(error.value(), "cannot read the domains in " + directory_);
  }
  return uuids;
}

Result<std::vector<DefinitionFiles::Known>> DefinitionFiles::All() const {
  SVIRT_ASSIGN(const std::vector<std::string> uuids, Uuids());
  const DefinitionIndex before = DefinitionIndex::Read(index_);
  DefinitionIndex now;
  std::vector<Known> all;
  all.reserve(uuids.size());
  for (const std::string &uuid : uuids) {
    struct stat st {};
    if (::lstat(File(uuid).c_str(), &st) != 0) {
      continue;  // undefined meanwhile
    }
    // Taken before it is read: what changes while it is read has another one afterwards.
    const auto mark = FileMark::Of(st);
    const DefinitionIndex::Row *const row = before.Find(uuid);
    if (row != nullptr && mark && row->mark == mark) {
      now.Set(uuid, *row);
      all.push_back({uuid, row->name, row->type, std::nullopt});
      continue;
    }
    auto read = Read(uuid);
    if (!read.ok() && read.error().code == Errc::kNotFound) {
      continue;
    }
    SVIRT_ASSIGN(Definition definition, std::move(read));
    if (!definition.damage) {
      now.Set(uuid, {definition.domain.name, definition.domain.type, mark});
    }
    all.push_back({uuid, std::move(definition.domain.name), std::move(definition.domain.type),
                   std::move(definition.damage)});
  }
  if (now != before) {
    Keep(now);
  }
  std::ranges::sort(all, {}, [](const Known &one) { return std::tie(one.name, one.uuid); });
  return all;
}

std::optional<std::string> DefinitionFiles::Guess(const std::string &name) const {
  return DefinitionIndex::Read(index_).UuidOf(name);
}

Status DefinitionFiles::Write(const Domain &domain) const {
  SVIRT_TRY(WriteFileAtomic(File(domain.uuid), FormatDomainXml(domain, true), 0600));
  // Only so that the next look for its name finds it at once.
  DefinitionIndex index = DefinitionIndex::Read(index_);
  index.Set(domain.uuid, {domain.name, domain.type, std::nullopt});
  Keep(index);
  return {};
}

Status DefinitionFiles::Remove(const std::string &uuid) const {
  if (::unlink(File(uuid).c_str()) != 0) {
    return SystemError(errno, "cannot remove " + File(uuid));
  }
  return {};
}

void DefinitionFiles::Keep(const DefinitionIndex &index) const {
  if (const auto lock = LockFile(index_lock_, std::chrono::milliseconds(0)); lock.ok()) {
    [[maybe_unused]] const Status written = index.Write(index_);
  }
}

}  // namespace svirt
