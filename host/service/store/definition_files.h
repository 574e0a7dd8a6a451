// SPDX-License-Identifier: LGPL-2.1-or-later
// The definitions of domains: one XML file each, named by uuid, found by name without opening all.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/domain/domain.h"
#include "host/service/store/definition_index.h"
#include "host/util/result.h"

namespace svirt {

// One as it is kept. Of a damaged one only the uuid, and why it cannot be used, with what mends it.
struct Definition {
  Domain domain;
  std::optional<Error> damage;
};

class DefinitionFiles {
 public:
  // index_lock: for the one who writes the index.
  DefinitionFiles(std::string directory, std::string index, std::string index_lock)
      : directory_(std::move(directory)),
        index_(std::move(index)),
        index_lock_(std::move(index_lock)) {}

  // One as far as it is known without being read again.
  struct Known {
    std::string uuid, name, type;  // of a damaged one the uuid alone
    std::optional<Error> damage;
  };
  // All of them, by name. Opens only what the index does not have as it is now, and mends the
  // index.
  Result<std::vector<Known>> All() const;

  // The uuid of the domain that had this name when the index was written, if only one had.
  std::optional<std::string> Guess(const std::string &name) const;

  // Errc::kNotFound: there is none; kPermission: this user may not see whether there is one.
  Result<Definition> Read(const std::string &uuid) const;

  // The caller makes sure that no other domain has the name, and that nobody else writes meanwhile.
  Status Write(const Domain &domain) const;
  Status Remove(const std::string &uuid) const;

 private:
  std::string File(const std::string &uuid) const;
  Result<Domain> Parse(const std::string &uuid, const std::string &xml) const;
  Result<std::vector<std::string>> Uuids() const;
  // If nobody else is at it. Nothing depends on it.
  void Keep(const DefinitionIndex &index) const;

  std::string directory_, index_, index_lock_;
};

}  // namespace svirt
