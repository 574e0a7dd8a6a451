// SPDX-License-Identifier: LGPL-2.1-or-later
// Gets, sets and removes a domain's line in an object's ACL.
#include "entry.h"

#include <svirt/sdk.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "acl_change.h"
#include "probe.h"
#include "resource_plan.h"
#include "shared_nodes.h"

namespace svirt::dac {
namespace {

svirt_status Look(const svirt_resource &resource, Guard *guard, svirt_error *error) {
  if (resource.fd < 0) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "%s is not open: its ACL is read and set through a descriptor only",
                     PathOf(resource));
  }
  if (const int errnum = ReadGuard(NameOf(resource.fd), guard); errnum != 0) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, errnum, "cannot read the ACL of %s: %s",
                     PathOf(resource), std::strerror(errnum));
  }
  return SVIRT_OK;
}

svirt_status Explain(const svirt_resource &resource, int errnum, svirt_error *error) {
  const char *path = PathOf(resource);
  switch (errnum) {
    case EROFS:
      return sdk::Fail(error, SVIRT_E_NOTSUP, errnum,
                       "the ACL of %s cannot be changed, since it is mounted read-only: let "
                       "everybody in by chmod where it can be written, or leave dac out of models",
                       path);
    case EPERM:
    case EACCES:
      return sdk::Fail(error, SVIRT_E_DENIED, errnum,
                       "the ACL of %s cannot be changed: it is immutable, or this process lacks "
                       "CAP_FOWNER over it, or its file system takes no orders from here (NFS with "
                       "root_squash); let everybody in by chmod, or leave dac out of models",
                       path);
    case ENOSPC:
    case EDQUOT:
      return sdk::Fail(
          error, SVIRT_E_SYSTEM, errnum,
          "the ACL of %s has no room for another entry: %s; let everybody in by chmod, "
          "or take entries away by setfacl -x",
          path, std::strerror(errnum));
    default:
      return sdk::Fail(error, SVIRT_E_SYSTEM, errnum, "cannot change the ACL of %s: %s", path,
                       std::strerror(errnum));
  }
}

svirt_status Write(const svirt_resource &resource, const Acl &acl, svirt_error *error) {
  const int errnum = WriteAcl(NameOf(resource.fd), acl);
  return errnum == 0 ? SVIRT_OK : Explain(resource, errnum, error);
}

// The kernel takes the bit away in silence, and nothing would give it back.
svirt_status CheckGroupBit(const svirt_resource &resource, const Guard &guard, svirt_error *error) {
  if ((guard.status.st_mode & S_ISGID) == 0 || HasCapability(CAP_FSETID)) {
    return SVIRT_OK;
  }
  return sdk::Fail(
      error, SVIRT_E_DENIED, 0,
      "%s would lose its set-group-ID bit with a change of its ACL, since this process "
      "lacks CAP_FSETID: give svirt that, or take the bit away by hand",
      PathOf(resource));
}

// Ids that this user namespace has no number for all read as one.
bool HasForeignIds(const Acl &acl) {
  return acl.users.count(UINT32_MAX) != 0 || acl.groups.count(UINT32_MAX) != 0;
}

svirt_status CheckIds(const svirt_resource &resource, const Guard &guard, svirt_error *error) {
  if (!HasForeignIds(guard.acl)) {
    return SVIRT_OK;
  }
  return sdk::Fail(
      error, SVIRT_E_DENIED, 0,
      "the ACL of %s has entries for ids that this user namespace does not have, so it "
      "cannot be written again: change it from outside, or let everybody in by chmod",
      PathOf(resource));
}

}  // namespace

std::optional<Entry> ParseEntry(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || !text.starts_with('+')) {
    return std::nullopt;
  }
  Entry entry;
  const char *end = text.data() + colon;
  const auto [at, error] = std::from_chars(text.data() + 1, end, entry.uid);
  const auto rights = ParseRights(text.substr(colon + 1));
  if (error != std::errc() || at != end || entry.uid > kLargestId || !rights) {
    return std::nullopt;
  }
  entry.rights = *rights;
  return entry;
}

std::string FormatEntry(const Entry &entry) {
  return "+" + std::to_string(entry.uid) + ":" + FormatRights(entry.rights);
}

svirt_status GetEntry(const svirt_resource &resource, const Entry &entry, std::string *present,
                      svirt_error *error) {
  Guard guard;
  if (const svirt_status status = Look(resource, &guard, error); status != SVIRT_OK) {
    return status;
  }
  const auto found = guard.acl.users.find(entry.uid);
  if (found == guard.acl.users.end()) {
    return sdk::Fail(error, SVIRT_E_NODATA, 0, "the ACL of %s has no entry for user %u",
                     PathOf(resource), entry.uid);
  }
  *present = FormatEntry({entry.uid, found->second});
  return SVIRT_OK;
}

svirt_status CheckEntry(const svirt_resource &resource, const Guard &guard, const Entry &entry,
                        svirt_error *error) {
  const char *path = PathOf(resource);
  const mode_t mode = guard.status.st_mode;
  if (S_ISCHR(mode) && IsMachineNode(major(guard.status.st_rdev), minor(guard.status.st_rdev))) {
    return sdk::Fail(error, SVIRT_E_DENIED, 0,
                     "%s is the machine's own memory, log or console, which no domain is let into: "
                     "take it out of the domain",
                     path);
  }
  if (guard.keeper != Guard::Keeper::kAcl) {
    return sdk::Fail(
        error, SVIRT_E_NOTSUP, EOPNOTSUPP,
        "%s has a mode, %04o of %s, that keeps user %u out, and a file system without "
        "ACLs: let everybody in by chmod, move it to a file system with ACLs, or leave "
        "dac out of models",
        path, static_cast<unsigned>(mode & 07777), FormatIdentity(guard.owner()).c_str(),
        entry.uid);
  }
  struct statvfs mounted {};
  if (::statvfs(NameOf(resource.fd).c_str(), &mounted) == 0 && (mounted.f_flag & ST_RDONLY) != 0) {
    return Explain(resource, EROFS, error);
  }
  if (const svirt_status status = CheckIds(resource, guard, error); status != SVIRT_OK) {
    return status;
  }
  const AclChange change = WithUser(guard.acl, entry.uid, entry.rights);
  if (!change.acl) {
    return sdk::Fail(error, SVIRT_E_DENIED, 0, "%s can have no entry for user %u: %s", path,
                     entry.uid, change.why_not.c_str());
  }
  return CheckGroupBit(resource, guard, error);
}

svirt_status SetEntry(const svirt_resource &resource, const Entry &entry, svirt_error *error) {
  Guard guard;
  if (const svirt_status status = Look(resource, &guard, error); status != SVIRT_OK) {
    return status;
  }
  const AclChange change = WithUser(guard.acl, entry.uid, entry.rights);
  if (change.acl == guard.acl) {
    return SVIRT_OK;
  }
  const svirt_status status = CheckEntry(resource, guard, entry, error);
  return status == SVIRT_OK ? Write(resource, *change.acl, error) : status;
}

svirt_status RemoveEntry(const svirt_resource &resource, const Entry &entry, svirt_error *error) {
  Guard guard;
  if (const svirt_status status = Look(resource, &guard, error); status != SVIRT_OK) {
    return status;
  }
  const Acl acl = WithoutUser(guard.acl, entry.uid);
  if (acl == guard.acl) {
    return SVIRT_OK;
  }
  svirt_status status = CheckIds(resource, guard, error);
  if (status == SVIRT_OK) {
    status = CheckGroupBit(resource, guard, error);
  }
  return status == SVIRT_OK ? Write(resource, acl, error) : status;
}

}  // namespace svirt::dac
