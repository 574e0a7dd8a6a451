// SPDX-License-Identifier: LGPL-2.1-or-later
// One user's entry more or less in an access control list. Nobody else's rights change, and what
// WithUser has made WithoutUser undoes, in whatever order the entries of several users come and go.
#pragma once

#include "acl.h"

namespace svirt::dac {

// The mask follows the entries under it if it was what they make it, and stays otherwise. An ACL
// that is no more than a mode says comes out as one.
Acl WithoutUser(Acl acl, uid_t uid);

// In place of the entry that the user has. Errors are a clause about the ACL, with what to do.
struct AclChange {
  std::optional<Acl> acl;
  std::string why_not;
};
AclChange WithUser(const Acl &acl, uid_t uid, unsigned rights);

}  // namespace svirt::dac
