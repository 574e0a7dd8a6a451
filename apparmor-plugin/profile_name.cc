// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes names of profiles, and recognises those of one domain.
#include "profile_name.h"

#include <svirt/sdk.h>

#include <algorithm>

namespace svirt::apparmor {

namespace {

constexpr std::string_view kPrefix = "svirt-";
using sdk::IsLowerHex;
using sdk::kUuidLength;
constexpr size_t kDigestLength = 16;

}  // namespace

std::string ProfileName(std::string_view uuid, std::string_view digest) {
  return std::string(kPrefix).append(uuid).append("-").append(digest.substr(0, kDigestLength));
}

bool IsProfileName(std::string_view name, std::string_view uuid) {
  if (!name.starts_with(kPrefix)) {
    return false;
  }
  name.remove_prefix(kPrefix.size());
  if (name.size() != kUuidLength + 1 + kDigestLength) {
    return false;
  }
  const std::string_view whose = name.substr(0, kUuidLength);
  const std::string_view digest = name.substr(kUuidLength + 1);
  return sdk::IsUuid(whose) && (uuid.empty() || whose == uuid) && name[kUuidLength] == '-' &&
         std::all_of(digest.begin(), digest.end(), IsLowerHex);
}

}  // namespace svirt::apparmor
