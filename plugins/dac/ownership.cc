// SPDX-License-Identifier: LGPL-2.1-or-later
// Changes owners by chown(2), after looking at what a file would lose by it.
#include "ownership.h"

#include <fcntl.h>
#include <svirt/sdk.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "resource_plan.h"
#include "shared_nodes.h"

namespace svirt::dac {
namespace {

// What the kernel takes away from a file that gets another owner; "" if there is nothing.
std::string LostByChown(int fd, const struct stat &st) {
  if (!S_ISREG(st.st_mode)) {
    return "";
  }
  if ((st.st_mode & S_ISUID) != 0) {
    return "its set-user-ID bit";
  }
  if ((st.st_mode & S_ISGID) != 0 && (st.st_mode & S_IXGRP) != 0) {
    return "its set-group-ID bit";
  }
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  return ::getxattr(link.c_str(), "security.capability", nullptr, 0) > 0 ? "its file capabilities"
                                                                         : "";
}

svirt_status Explain(const svirt_resource &resource, const std::string &owner, int errnum,
                     svirt_error *error) {
  switch (errnum) {
    case EPERM:
    case EACCES:
      return sdk::Fail(error, SVIRT_E_DENIED, errnum,
                       "%s cannot be given to %s: it is immutable, or its file system takes no "
                       "owners from here (FAT, NFS with root_squash); give it an owner and a mode "
                       "by hand, and relabel='no' for model dac",
                       PathOf(resource), owner.c_str());
    case EROFS:
    case EOPNOTSUPP:
      return sdk::Fail(error, SVIRT_E_NOTSUP, errnum,
                       "the file system of %s takes no other owner: %s", PathOf(resource),
                       std::strerror(errnum));
    default:
      return sdk::Fail(error, SVIRT_E_SYSTEM, errnum, "cannot give %s to %s: %s", PathOf(resource),
                       owner.c_str(), std::strerror(errnum));
  }
}

}  // namespace

svirt_status LookAt(const svirt_resource &resource, struct stat *st, svirt_error *error) {
  if (resource.fd < 0) {
    return sdk::Fail(error, SVIRT_E_INVALID, 0,
                     "%s is not open: owners are read and set through a descriptor only",
                     PathOf(resource));
  }
  if (::fstatat(resource.fd, "", st, AT_EMPTY_PATH) != 0) {
    return sdk::Fail(error, SVIRT_E_SYSTEM, errno, "cannot read the owner of %s: %s",
                     PathOf(resource), std::strerror(errno));
  }
  if (S_ISCHR(st->st_mode) && IsSharedNode(major(st->st_rdev), minor(st->st_rdev))) {
    return sdk::Fail(error, SVIRT_E_NOTSUP, 0,
                     "%s is a device node that all programs share, and keeps its owner",
                     PathOf(resource));
  }
  return SVIRT_OK;
}

svirt_status GetOwner(const svirt_resource &resource, Identity *owner, svirt_error *error) {
  struct stat st {};
  const svirt_status status = LookAt(resource, &st, error);
  if (status == SVIRT_OK) {
    *owner = {st.st_uid, st.st_gid};
  }
  return status;
}

svirt_status CheckGoesBack(const svirt_resource &resource, const struct stat &st,
                           const Identity &owner, const IdRange &range, svirt_error *error) {
  if (st.st_uid == owner.uid && st.st_gid == owner.gid) {
    return SVIRT_OK;
  }
  // Undo could not give it back. What a domain has set on a file of its own is to go, however, and
  // must not keep the file from going back: then the new owner is root, or the old one a domain.
  const bool goes_back = owner.uid == 0 || range.Contains(st.st_uid);
  const std::string lost = goes_back ? "" : LostByChown(resource.fd, st);
  return lost.empty() ? svirt_status{SVIRT_OK}
                      : sdk::Fail(error, SVIRT_E_DENIED, 0,
                                  "%s would lose %s with its owner, for good: take that away by "
                                  "hand, or use another file",
                                  PathOf(resource), lost.c_str());
}

svirt_status SetOwner(const svirt_resource &resource, const Identity &owner, const IdRange &range,
                      svirt_error *error) {
  struct stat st {};
  svirt_status status = LookAt(resource, &st, error);
  if (status != SVIRT_OK || Identity{st.st_uid, st.st_gid} == owner) {
    return status;
  }
  status = CheckGoesBack(resource, st, owner, range, error);
  if (status == SVIRT_OK && ::fchownat(resource.fd, "", owner.uid, owner.gid, AT_EMPTY_PATH) != 0) {
    return Explain(resource, FormatIdentity(owner), errno, error);
  }
  return status;
}

}  // namespace svirt::dac
