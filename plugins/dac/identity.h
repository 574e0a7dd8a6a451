// SPDX-License-Identifier: LGPL-2.1-or-later
// The text of a DAC label: "+UID:+GID".
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace svirt::dac {

// All ones means "leave as it is" to the kernel.
inline constexpr uint32_t kLargestId = UINT32_MAX - 1;

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;

  bool operator==(const Identity &) const = default;
};

// Reads "+107:+108", "107:108" and "user:group", also mixed; names are those of this host. nullopt
// with a clause in *why that says what is wrong and how it is written.
std::optional<Identity> ParseIdentity(std::string_view text, std::string *why);

// The one canonical text: two labels are the same if and only if it is.
std::string FormatIdentity(const Identity &identity);

// "user NAME" or "group NAME" of this host that one of the ids belongs to; "" if there is neither.
std::string OwnerOnThisHost(const Identity &identity);

}  // namespace svirt::dac
