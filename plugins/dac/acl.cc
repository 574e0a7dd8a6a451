// SPDX-License-Identifier: LGPL-2.1-or-later
// What an access control list allows, as the kernel decides it.
#include "acl.h"

namespace svirt::dac {

std::string FormatRights(unsigned rights) {
  std::string text = "rwx";
  for (unsigned i = 0; i < 3; ++i) {
    text[i] = (rights & (kRead >> i)) != 0 ? text[i] : '-';
  }
  return text;
}

std::optional<unsigned> ParseRights(std::string_view text) {
  for (unsigned rights = 0; rights <= (kRead | kWrite | kPass); ++rights) {
    if (text == FormatRights(rights)) {
      return rights;
    }
  }
  return std::nullopt;
}

unsigned Acl::UnderMask() const {
  unsigned all = group;
  for (const Named *named : {&users, &groups}) {
    for (const auto &[id, rights] : *named) {
      all |= rights;
    }
  }
  return all;
}

Acl FromMode(mode_t mode) {
  Acl acl;
  acl.owner = mode >> 6 & 7;
  acl.group = mode >> 3 & 7;
  acl.other = mode & 7;
  return acl;
}

bool Allows(const Acl &acl, const Identity &owner, const Identity &who, unsigned want) {
  const auto has = [want](unsigned rights) { return (rights & want) == want; };
  if (who.uid == owner.uid) {
    return has(acl.owner);
  }
  const bool in_group = who.gid == owner.gid;
  const unsigned shown = acl.mask.value_or(acl.group);  // what stat shows as the group's
  if (shown == 0) {
    // Here the kernel does not look at the ACL at all.
    return has(in_group ? 0 : acl.other);
  }
  if (const auto user = acl.users.find(who.uid); user != acl.users.end()) {
    return has(user->second & shown);
  }
  const auto group = acl.groups.find(who.gid);
  if (!in_group && group == acl.groups.end()) {
    return has(acl.other);
  }
  // One of the entries has to have all that is wanted.
  return (in_group && has(acl.group & shown)) ||
         (group != acl.groups.end() && has(group->second & shown));
}

}  // namespace svirt::dac
