// SPDX-License-Identifier: LGPL-2.1-or-later
// Which ids exist in the user namespace of this process (user_namespaces(7)).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "identity.h"
#include "settings.h"

namespace svirt::dac {

struct IdMap {
  std::vector<IdRange> users, groups;  // ascending; runs that touch are one

  // The ids of the range that both a user and a group may have.
  std::vector<IdRange> Within(const IdRange &range) const;
  bool Has(const Identity &identity) const;
  // "users 0 to 65535, groups 0 to 65535"
  std::string Text() const;
};

// From the text of /proc/PID/uid_map or gid_map.
std::vector<IdRange> ParseIdMap(std::string_view text);

// Of this process. 0 or errno.
int ReadIdMap(IdMap *map);

// "5 to 9 and 20 to 29", for messages.
std::string FormatRanges(const std::vector<IdRange> &ranges);

bool Contains(const std::vector<IdRange> &ranges, uint64_t id);

}  // namespace svirt::dac
