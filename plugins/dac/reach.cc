// SPDX-License-Identifier: LGPL-2.1-or-later
// Judges each object and the way to it by the rights of the domain's user and group.
#include "reach.h"

#include <svirt/sdk.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "guard.h"
#include "resource_plan.h"
#include "way.h"

namespace svirt::dac {
namespace {

// The name that is looked up to open it; "" for what comes as an open descriptor, or is not there.
std::string LookedUp(const svirt_resource &resource) {
  // The run directory is the working directory: no way leads to it.
  if (IsHandedOver(resource) || resource.kind == SVIRT_RES_RUNDIR || resource.path == nullptr) {
    return "";
  }
  if (IsMadeByDomain(resource)) {
    return resource.path;
  }
  if (resource.fd < 0) {
    return "";
  }
  // The path that the kernel has for it, free of links.
  std::array<char, PATH_MAX + 1> path{};
  const ssize_t size = ::readlink(NameOf(resource.fd).c_str(), path.data(), path.size() - 1);
  return size > 0 && path[0] == '/' ? std::string(path.data(), static_cast<size_t>(size)) : "";
}

svirt_status Check(const Identity &identity, const std::string &name, const std::string &path,
                   unsigned need, const char *what, svirt_error *error) {
  Guard guard;
  if (ReadGuard(name, &guard) != 0 || !guard.Shuts(identity, need)) {
    return SVIRT_OK;  // what cannot be looked at is not shut by its mode
  }
  return sdk::Fail(error, SVIRT_E_DENIED, EACCES,
                   "the domain's user and group, %s, may not %s %s (mode %04o of %s): let it in by "
                   "chmod or setfacl",
                   FormatIdentity(identity).c_str(), what, path.c_str(),
                   static_cast<unsigned>(guard.status.st_mode & 07777),
                   FormatIdentity(guard.owner()).c_str());
}

}  // namespace

unsigned NeededRights(const svirt_resource &resource) {
  unsigned need = (resource.access & SVIRT_ACCESS_READ) != 0 ? kRead : 0;
  need |= (resource.access & SVIRT_ACCESS_WRITE) != 0 ? kWrite : 0;
  const bool passes =
      (resource.access & SVIRT_ACCESS_EXEC) != 0 || resource.object == SVIRT_OBJ_DIR;
  return need | (passes ? kPass : 0);
}

svirt_status CheckWays(const Identity &identity, const svirt_domain &domain, svirt_error *error) {
  Way way(identity);
  way.Expect(domain);
  if (domain.emulator != nullptr) {
    way.LeadTo(domain.emulator);
  }
  for (const svirt_resource &resource : sdk::Resources(domain)) {
    way.LeadTo(LookedUp(resource));
  }
  return way.Check(error);
}

svirt_status CheckObject(const Identity &identity, const svirt_resource &resource,
                         svirt_error *error) {
  const std::string path = LookedUp(resource);
  if (path.empty()) {
    return SVIRT_OK;
  }
  if (IsMadeByDomain(resource)) {
    const size_t slash = path.rfind('/');
    const std::string parent = slash == 0 ? "/" : path.substr(0, slash);
    // To make a name in a directory, and to remove an old one.
    return Check(identity, parent, parent, kWrite | kPass, "make a socket in", error);
  }
  const unsigned need = NeededRights(resource);
  const char *what = IsProgram(resource)    ? "read and execute"
                     : (need & kWrite) != 0 ? "read and write"
                                            : "read";
  return Check(identity, NameOf(resource.fd), path, need, what, error);
}

svirt_status CheckReach(const Identity &identity, const std::string &program,
                        const std::vector<svirt_resource> &resources, svirt_error *error) {
  Way way(identity);
  way.LeadTo(program);
  for (const svirt_resource &resource : resources) {
    way.LeadTo(LookedUp(resource));
  }
  svirt_status status = way.Check(error);
  if (status == SVIRT_OK) {
    status = Check(identity, program, program, kPass, "execute", error);
  }
  for (const svirt_resource &resource : resources) {
    status = status == SVIRT_OK ? CheckObject(identity, resource, error) : status;
  }
  return status;
}

bool IsOpenToAll(const svirt_resource &resource) {
  struct stat st {};
  return resource.fd >= 0 && ::fstat(resource.fd, &st) == 0 &&
         (st.st_mode & (S_IROTH | S_IWOTH)) != 0;
}

}  // namespace svirt::dac
