// SPDX-License-Identifier: LGPL-2.1-or-later
// Which line a domain needs in an object's ACL.
#include "entry_plan.h"

#include <svirt/sdk.h>

#include <cerrno>
#include <cstring>

#include "acl_change.h"
#include "entry.h"
#include "reach.h"
#include "resource_plan.h"

namespace svirt::dac {
namespace {

svirt_status None(const svirt_resource &resource, const char *why, svirt_error *error) {
  return sdk::Fail(error, SVIRT_E_NODATA, 0, "%s needs no entry: %s", PathOf(resource), why);
}

}  // namespace

svirt_status PlanEntry(const svirt_domain &domain, const Identity &identity,
                       const svirt_resource &resource, std::string *entry, svirt_error *error) {
  if (resource.fd < 0 || IsHandedOver(resource)) {
    return None(resource, "the domain does not open it by its name", error);
  }
  sdk::ResourcePlan owner;
  if (svirt_status status = PlanOwner(domain, resource, &owner, error); status != SVIRT_OK) {
    return status;
  }
  if (owner.action != SVIRT_PLAN_NONE || HasOverride(resource)) {
    return None(resource, "its owner says who may use it", error);
  }
  if (IsProgram(resource)) {
    const svirt_status status = CheckObject(identity, resource, error);
    return status == SVIRT_OK ? None(resource, "it is a program", error) : status;
  }
  Guard guard;
  if (const int errnum = ReadGuard(NameOf(resource.fd), &guard); errnum != 0) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, errnum, "cannot read the ACL of %s: %s",
                     PathOf(resource), std::strerror(errnum));
  }
  Guard without = guard;
  without.acl = WithoutUser(guard.acl, identity.uid);
  const unsigned need = NeededRights(resource);
  if (S_ISLNK(guard.status.st_mode) || !without.Shuts(identity, need)) {
    return None(resource, "it lets the domain in", error);
  }
  if (guard.status.st_uid == identity.uid) {
    return sdk::Fail(
        error, SVIRT_E_DENIED, 0,
        "%s belongs to the domain's own user, and its mode, %04o, keeps him out, which "
        "no ACL changes: give its owner the rights by chmod",
        PathOf(resource), static_cast<unsigned>(guard.status.st_mode & 07777));
  }
  const Entry wanted{identity.uid, need};
  const svirt_status status = CheckEntry(resource, guard, wanted, error);
  if (status == SVIRT_OK) {
    *entry = FormatEntry(wanted);
  }
  return status;
}

}  // namespace svirt::dac
