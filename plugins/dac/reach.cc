// SPDX-License-Identifier: LGPL-2.1-or-later
// Judges each object and the way to it by the rights of the domain's user and group.
#include "reach.h"

#include <svirt/sdk.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "guard.h"
#include "ownership.h"
#include "resource_plan.h"
#include "way.h"

namespace svirt::dac {

unsigned NeededRights(const svirt_resource &resource) {
  unsigned need = (resource.access & SVIRT_ACCESS_READ) != 0 ? kRead : 0;
  need |= (resource.access & SVIRT_ACCESS_WRITE) != 0 ? kWrite : 0;
  const bool passes =
      (resource.access & SVIRT_ACCESS_EXEC) != 0 || resource.object == SVIRT_OBJ_DIR;
  return need | (passes ? kPass : 0);
}

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
  if ((resource.flags & SVIRT_RES_REAL_PATH) != 0) {
    return resource.path;
  }
  // The path that the kernel has for it, free of links.
  std::array<char, PATH_MAX + 1> path{};
  const ssize_t size = ::readlink(NameOf(resource.fd).c_str(), path.data(), path.size() - 1);
  return size > 0 && path[0] == '/' ? std::string(path.data(), static_cast<size_t>(size)) : "";
}

// What the domain has to be able to do with the object, and the same in words.
struct Need {
  unsigned rights;
  const char *what;
};

Need NeedOf(const svirt_resource &resource) {
  const unsigned rights = NeededRights(resource);
  return {rights, IsProgram(resource)      ? "read and execute"
                  : (rights & kWrite) != 0 ? "read and write"
                                           : "read"};
}

svirt_status Judge(const Identity &identity, const Guard &guard, const std::string &path,
                   const Need &need, svirt_error *error) {
  if (!guard.Shuts(identity, need.rights)) {
    return SVIRT_OK;
  }
  return sdk::Fail(error, SVIRT_E_DENIED, EACCES,
                   "the domain's user and group, %s, may not %s %s (mode %04o of %s): let it in by "
                   "chmod or setfacl",
                   FormatIdentity(identity).c_str(), need.what, path.c_str(),
                   static_cast<unsigned>(guard.status.st_mode & 07777),
                   FormatIdentity(guard.owner()).c_str());
}

svirt_status Check(const Identity &identity, const std::string &name, const std::string &path,
                   const Need &need, svirt_error *error) {
  Guard guard;
  // What cannot be looked at is not shut by its mode.
  return ReadGuard(name, &guard) == 0 ? Judge(identity, guard, path, need, error) : SVIRT_OK;
}

// The directory that has to take a name for the socket, and to lose an old one.
svirt_status CheckParent(const Identity &identity, const std::string &socket, svirt_error *error) {
  const size_t slash = socket.rfind('/');
  const std::string parent = slash == 0 ? "/" : socket.substr(0, slash);
  return Check(identity, parent, parent, {kWrite | kPass, "make a socket in"}, error);
}

// Is the socket made in a directory that is a resource itself, which decides?
bool IsInResource(const svirt_domain &domain, const svirt_resource &socket) {
  const std::string_view path = socket.path;
  for (const svirt_resource &resource : sdk::Resources(domain)) {
    const std::string_view directory = resource.path != nullptr ? resource.path : "";
    if (resource.object == SVIRT_OBJ_DIR && path.starts_with(directory) &&
        path.substr(directory.size()).starts_with('/') &&
        ((resource.flags & SVIRT_RES_SUBTREE) != 0 || path.rfind('/') == directory.size())) {
      return true;
    }
  }
  return false;
}

// Of an object that is to be the domain's own: will its owner be able to give it back, and will its
// mode let it in?
svirt_status ForeseeOwn(const Identity &identity, const svirt_domain &domain,
                        const svirt_resource &resource, const Identity &owner, const IdRange &range,
                        svirt_error *error) {
  struct stat st {};
  svirt_status status = LookAt(resource, &st, error);
  if (status == SVIRT_OK) {
    status = CheckGoesBack(resource, st, owner, range, error);
  }
  const std::string path = LookedUp(resource);
  const bool has_it = st.st_uid == owner.uid && st.st_gid == owner.gid;
  if (status != SVIRT_OK || path.empty() || (domain.pid > 0 && has_it)) {
    return status;
  }
  st.st_uid = owner.uid;
  st.st_gid = owner.gid;
  const Need need = NeedOf(resource);
  // The mode commonly lets it in, and then nothing else has to be looked at.
  Guard guard = GuardOfMode(st);
  if (!guard.Shuts(identity, need.rights) || ReadGuard(NameOf(resource.fd), &guard) != 0) {
    return SVIRT_OK;
  }
  guard.status = st;
  return Judge(identity, guard, path, need, error);
}

svirt_status ForeseeObject(const Identity &identity, const svirt_domain &domain,
                           const svirt_resource &resource, const IdRange &range,
                           svirt_error *error) {
  const bool starts = domain.pid <= 0;  // what runs has opened what is its own, whatever came since
  const bool stays = (resource.flags & SVIRT_RES_AS_IT_IS) != 0;
  if (IsMadeByDomain(resource)) {
    return starts && !IsInResource(domain, resource) ? CheckParent(identity, resource.path, error)
                                                     : SVIRT_OK;
  }
  if (stays && starts && resource.fd < 0 && resource.object == SVIRT_OBJ_FILE &&
      (resource.access & SVIRT_ACCESS_CREATE) != 0) {
    return sdk::Fail(error, SVIRT_E_DENIED, 0,
                     "%s does not exist, and would be made as a file of the host's that the "
                     "domain's user and group, %s, may not write, since relabel='no' keeps it so: "
                     "make it, with an owner and a mode that let the domain in",
                     PathOf(resource), FormatIdentity(identity).c_str());
  }
  const auto owner = OwnerToGive(domain, resource);
  if (owner && resource.fd >= 0) {
    return ForeseeOwn(identity, domain, resource, *owner, range, error);
  }
  const std::string path = stays && starts ? LookedUp(resource) : "";
  return path.empty() ? svirt_status{SVIRT_OK}
                      : Check(identity, NameOf(resource.fd), path, NeedOf(resource), error);
}

}  // namespace

svirt_status CheckObject(const Identity &identity, const svirt_resource &resource,
                         svirt_error *error) {
  const std::string path = LookedUp(resource);
  if (path.empty()) {
    return SVIRT_OK;
  }
  return IsMadeByDomain(resource)
             ? CheckParent(identity, path, error)
             : Check(identity, NameOf(resource.fd), path, NeedOf(resource), error);
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
    status = Check(identity, program, program, {kPass, "execute"}, error);
  }
  for (const svirt_resource &resource : resources) {
    status = status == SVIRT_OK ? CheckObject(identity, resource, error) : status;
  }
  return status;
}

svirt_status Foresee(const Identity &identity, const svirt_domain &domain, const IdRange &range,
                     svirt_error *error) {
  Way way(identity);
  way.Expect(domain);
  if (domain.emulator != nullptr) {
    way.LeadTo(domain.emulator);
  }
  for (const svirt_resource &resource : sdk::Resources(domain)) {
    way.LeadTo(LookedUp(resource));
  }
  svirt_status status = way.Check(error);
  const auto resources = sdk::Resources(domain);
  // A definition is judged without its objects.
  if (std::none_of(resources.begin(), resources.end(),
                   [](const svirt_resource &resource) { return resource.fd >= 0; })) {
    return status;
  }
  for (const svirt_resource &resource : resources) {
    status = status == SVIRT_OK ? ForeseeObject(identity, domain, resource, range, error) : status;
  }
  return status;
}

bool IsOpenToAll(const svirt_resource &resource) {
  struct stat st {};
  return resource.fd >= 0 && ::fstat(resource.fd, &st) == 0 &&
         (st.st_mode & (S_IROTH | S_IWOTH)) != 0;
}

}  // namespace svirt::dac
