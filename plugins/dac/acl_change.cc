// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds the mask and entries of the changed list, and refuses a change that others would notice.
#include "acl_change.h"

#include <vector>

namespace svirt::dac {
namespace {

// No process has these ids: (uid_t)-1 is none.
constexpr uint32_t kNobodyAtAll = UINT32_MAX;
constexpr Identity kOwner{UINT32_MAX - 1, UINT32_MAX - 1};

// Can everybody but this user do under one what he can under the other? An entry counts alone, so
// that whoever matches one of them stands for all that do.
bool IsSameForOthers(const Acl &one, const Acl &other, uid_t uid) {
  std::vector<Identity> subjects = {
      kOwner, {kNobodyAtAll, kOwner.gid}, {kNobodyAtAll, kNobodyAtAll}};
  for (const auto &[user, rights] : one.users) {
    subjects.push_back({user, kNobodyAtAll});
  }
  for (const auto &[group, rights] : one.groups) {
    subjects.push_back({kNobodyAtAll, group});
  }
  for (const Identity &subject : subjects) {
    for (unsigned want = 1; subject.uid != uid && want <= 7; ++want) {
      if (Allows(one, kOwner, subject, want) != Allows(other, kOwner, subject, want)) {
        return false;
      }
    }
  }
  return true;
}

// An ACL whose mask could not be given back, or would have to grow although it is narrow on
// purpose.
std::string Unfit(const Acl &acl) {
  const std::string mask = FormatRights(*acl.mask);
  const std::string derived = FormatRights(acl.UnderMask());
  if (acl.users.empty() && acl.groups.empty()) {
    return "its ACL has a mask, " + mask +
           ", and no named entries, and could not be given back as it is: take it away by "
           "'setfacl -b'";
  }
  if ((acl.UnderMask() & ~*acl.mask) == 0) {
    return "the mask of its ACL, " + mask + ", is wider than the entries under it, " + derived +
           ", and could not be given back: 'setfacl -m m::" + derived +
           "' makes it theirs and changes nobody's rights";
  }
  return "the mask of its ACL, " + mask + ", withholds a part of what the entries under it have, " +
         derived +
         ", so it cannot grow without giving others more: let them have it by "
         "'setfacl -m m::" +
         derived + "', or widen what everybody may";
}

}  // namespace

Acl WithoutUser(Acl acl, uid_t uid) {
  const bool derived = acl.HasDerivedMask();
  if (acl.users.erase(uid) == 0 || !derived) {
    return acl;
  }
  acl.mask = acl.UnderMask();
  if (acl.users.empty() && acl.groups.empty()) {
    acl.mask.reset();
  }
  return acl;
}

AclChange WithUser(const Acl &acl, uid_t uid, unsigned rights) {
  const Acl before = WithoutUser(acl, uid);
  Acl after = before;
  after.users[uid] = rights;
  if (before.HasDerivedMask()) {
    after.mask = after.UnderMask();
  }
  if ((rights & ~*after.mask) != 0 || WithoutUser(after, uid) != before) {
    return {std::nullopt, Unfit(before)};
  }
  if (!IsSameForOthers(before, after, uid)) {
    return {
        std::nullopt,
        "its ACL has entries that give nothing under the mask ---, which the kernel passes over "
        "as long as there is no other: take them away by 'setfacl -b'"};
  }
  return {after, ""};
}

}  // namespace svirt::dac
