// SPDX-License-Identifier: LGPL-2.1-or-later
// An access control list as a value: who may what under it (acl(5)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "identity.h"

namespace svirt::dac {

// Rights, with the bits of S_IRWXO.
inline constexpr unsigned kRead = 4, kWrite = 2, kPass = 1;

// "rw-"
std::string FormatRights(unsigned rights);
std::optional<unsigned> ParseRights(std::string_view text);

struct Acl {
  using Named = std::map<uint32_t, unsigned>;

  unsigned owner = 0, group = 0, other = 0;
  Named users, groups;
  std::optional<unsigned> mask;  // always there beside named entries, and may stand alone

  bool operator==(const Acl &) const = default;

  // Nothing but the bits of a mode.
  bool IsMinimal() const { return users.empty() && groups.empty() && !mask; }
  // What the entries under the mask have together.
  unsigned UnderMask() const;
  // Is the mask what those entries make it, and neither wider nor narrower?
  bool HasDerivedMask() const { return mask.value_or(group) == UnderMask(); }
};

Acl FromMode(mode_t mode);

// As the kernel decides for a process with that user and group, no other groups and no
// capabilities.
bool Allows(const Acl &acl, const Identity &owner, const Identity &who, unsigned want);

}  // namespace svirt::dac
