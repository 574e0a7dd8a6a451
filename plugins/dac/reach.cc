// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reach.h"

#include <svirt/sdk.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "resource_plan.h"

namespace svirt::dac {
namespace {

// Bits of a mode, as in S_IRWXO.
constexpr unsigned kRead = 4, kWrite = 2, kPass = 1;

// Do the mode bits alone decide? An ACL may allow more, and some file systems do not care.
bool ModeDecides(const std::string &path) {
  return ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) < 0 && errno == ENODATA;
}

// Does the mode of what stands at the path surely keep the identity out?
bool IsShut(const Identity &identity, const std::string &path, unsigned need, struct stat *st) {
  if (::stat(path.c_str(), st) != 0) {
    return false;  // not for its mode
  }
  const unsigned shift = st->st_uid == identity.uid ? 6 : st->st_gid == identity.gid ? 3 : 0;
  return (need & ~(st->st_mode >> shift)) != 0 && ModeDecides(path);
}

svirt_status Denied(const Identity &identity, const std::string &path, const struct stat &st,
                    const char *what, svirt_error *error) {
  return sdk::Fail(error, SVIRT_E_DENIED, EACCES,
                   "the domain's user and group, %s, may not %s %s (mode %04o of %s): let it in by "
                   "chmod or setfacl",
                   FormatIdentity(identity).c_str(), what, path.c_str(),
                   static_cast<unsigned>(st.st_mode & 07777),
                   FormatIdentity({st.st_uid, st.st_gid}).c_str());
}

// The directories that lead to the object, from the root on.
svirt_status CheckWay(const Identity &identity, const std::string &path, svirt_error *error) {
  for (size_t slash = 0; slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
    struct stat st {};
    if (IsShut(identity, directory, kPass, &st)) {
      return Denied(identity, directory, st, "pass the directory", error);
    }
  }
  return SVIRT_OK;
}

// The path that the kernel has for it, free of links; "" if it has none.
std::string RealPath(int fd) {
  std::array<char, PATH_MAX + 1> path{};
  const ssize_t size =
      ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size() - 1);
  return size > 0 && path[0] == '/' ? std::string(path.data(), static_cast<size_t>(size)) : "";
}

// To make a name in a directory, and to remove an old one.
svirt_status CheckMaking(const Identity &identity, const std::string &path, svirt_error *error) {
  const size_t slash = path.rfind('/');
  const std::string parent = slash == 0 ? "/" : path.substr(0, slash);
  if (const svirt_status status = CheckWay(identity, path, error); status != SVIRT_OK) {
    return status;
  }
  struct stat st {};
  return IsShut(identity, parent, kWrite | kPass, &st)
             ? Denied(identity, parent, st, "make a socket in", error)
             : SVIRT_OK;
}

}  // namespace

svirt_status CheckReach(const Identity &identity, const svirt_resource &resource,
                        svirt_error *error) {
  // The run directory is the working directory: no way leads to it.
  if (IsHandedOver(resource) || resource.kind == SVIRT_RES_RUNDIR || resource.path == nullptr) {
    return SVIRT_OK;
  }
  if (resource.object == SVIRT_OBJ_SOCKET && (resource.access & SVIRT_ACCESS_CREATE) != 0) {
    return CheckMaking(identity, resource.path, error);
  }
  if (resource.fd < 0) {
    return SVIRT_OK;
  }
  const std::string path = RealPath(resource.fd);
  if (const svirt_status status = CheckWay(identity, path, error); status != SVIRT_OK) {
    return status;
  }
  const bool writes = (resource.access & SVIRT_ACCESS_WRITE) != 0;
  unsigned need = (resource.access & SVIRT_ACCESS_READ) != 0 ? kRead : 0;
  need |= writes ? kWrite : 0;
  need |=
      (resource.access & SVIRT_ACCESS_EXEC) != 0 || resource.object == SVIRT_OBJ_DIR ? kPass : 0;
  struct stat st {};
  if (IsShut(identity, "/proc/self/fd/" + std::to_string(resource.fd), need, &st)) {
    return Denied(identity, path, st, writes ? "read and write" : "read", error);
  }
  return SVIRT_OK;
}

svirt_status CheckProgram(const Identity &identity, const std::string &path, svirt_error *error) {
  if (const svirt_status status = CheckWay(identity, path, error); status != SVIRT_OK) {
    return status;
  }
  struct stat st {};
  return IsShut(identity, path, kPass, &st) ? Denied(identity, path, st, "execute", error)
                                            : SVIRT_OK;
}

bool IsOpenToAll(const svirt_resource &resource) {
  struct stat st {};
  return resource.fd >= 0 && ::fstat(resource.fd, &st) == 0 &&
         (st.st_mode & (S_IROTH | S_IWOTH)) != 0;
}

}  // namespace svirt::dac
