// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens objects with openat2(2), makes missing files, and checks what was found.
#include "host/labels/object/open_resource.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <utility>

namespace svirt {
namespace {

// Not in the C library of Debian 12.
int OpenAt2(int directory, const std::string &path, uint64_t flags, uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve;
  return static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how));
}

ObjectType TypeOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return ObjectType::kFile;
    case S_IFBLK:
      return ObjectType::kBlock;
    case S_IFCHR:
      return ObjectType::kChar;
    case S_IFDIR:
      return ObjectType::kDir;
    case S_IFSOCK:
      return ObjectType::kSocket;
    case S_IFIFO:
      return ObjectType::kFifo;
    default:
      return ObjectType::kAny;  // a symbolic link
  }
}

// The path the kernel knows the object by.
Result<std::string> PathOf(int fd) {
  std::array<char, PATH_MAX + 1> path;
  const ssize_t size =
      ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  if (size < 0 || static_cast<size_t>(size) == path.size()) {
    return SystemError(size < 0 ? errno : ENAMETOOLONG, "cannot tell the path of an open object");
  }
  return std::string(path.data(), static_cast<size_t>(size));
}

Status Identify(OpenObject *object) {
  struct statx st {};
  constexpr unsigned kWanted = STATX_TYPE | STATX_INO | STATX_BTIME | STATX_NLINK | STATX_MNT_ID;
  if (::statx(object->fd.get(), "", AT_EMPTY_PATH, kWanted, &st) != 0) {
    return SystemError(errno, "cannot look at " + object->path);
  }
  object->id.dev = makedev(st.stx_dev_major, st.stx_dev_minor);
  object->id.ino = st.stx_ino;
  if ((st.stx_mask & STATX_BTIME) != 0) {
    object->id.btime = st.stx_btime.tv_sec * 1'000'000'000 + st.stx_btime.tv_nsec;
  }
  object->type = TypeOf(st.stx_mode);
  object->mount = st.stx_mnt_id;
  object->links = st.stx_nlink;
  object->device = makedev(st.stx_rdev_major, st.stx_rdev_minor);
  object->is_fixed = (st.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0;
  return {};
}

// path: the one without symbolic links, "" if it is not known.
Result<OpenObject> Adopt(Fd fd, std::string path) {
  OpenObject object;
  object.fd = std::move(fd);
  object.path = std::move(path);
  if (object.path.empty()) {
    SVIRT_ASSIGN(object.path, PathOf(object.fd.get()));
  }
  SVIRT_TRY(Identify(&object));
  return object;
}

// Would the kernel write an object's path in this way, if no part of it is a symbolic link?
bool IsCanonical(const std::string &path) {
  return path.size() > 1 && path.front() == '/' && path.back() != '/' &&
         path.find("//") == std::string::npos && path.find("/./") == std::string::npos &&
         path.find("/../") == std::string::npos && !path.ends_with("/.") && !path.ends_with("/..");
}

// The object that path names. Paths are commonly free of links: then the kernel need not be asked
// for the path afterwards.
Result<OpenObject> Find(const std::string &path) {
  if (IsCanonical(path)) {
    Fd fd(OpenAt2(AT_FDCWD, path, O_PATH, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS));
    if (fd || errno != ELOOP) {
      return fd ? Adopt(std::move(fd), path) : SystemError(errno, path);
    }
  }
  Fd fd(OpenAt2(AT_FDCWD, path, O_PATH, RESOLVE_NO_MAGICLINKS));
  return fd ? Adopt(std::move(fd), "") : SystemError(errno, path);
}

// Splits an absolute path into its directory and last name.
std::pair<std::string, std::string> SplitPath(const std::string &path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return {".", path};
  }
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// What was made is opened through its descriptor, not by name. O_PATH asks for the magic link.
Result<OpenObject> AdoptCreated(int file) {
  Fd path(::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_PATH | O_CLOEXEC));
  if (!path) {
    return SystemError(errno, "it cannot be opened again");
  }
  SVIRT_ASSIGN(OpenObject object, Adopt(std::move(path), ""));
  object.created = true;
  return object;
}

Error CannotCreate(const Resource &resource) {
  return SystemError(errno, ResourceName(resource) + " cannot be created");
}

// The directory that the resource is to be made in.
Result<Fd> OpenParent(const Resource &resource, const std::string &directory) {
  Fd parent(OpenAt2(AT_FDCWD, directory, O_PATH | O_DIRECTORY, RESOLVE_NO_MAGICLINKS));
  if (!parent) {
    return SystemError(errno, ResourceName(resource) + " cannot be created in " + directory);
  }
  return parent;
}

// Does the host make it if it is missing?
bool IsCreatable(const Resource &resource) {
  return resource.optional && resource.object == ObjectType::kFile &&
         (resource.access & kAccessCreate) != 0;
}

// nullopt: somebody else made it meanwhile.
Result<std::optional<OpenObject>> Create(const Resource &resource) {
  const auto [directory, name] = SplitPath(resource.path);
  SVIRT_ASSIGN(const Fd parent, OpenParent(resource, directory));
  const Fd file(::openat(parent.get(), name.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file && errno == EEXIST) {
    return std::optional<OpenObject>();
  }
  if (!file) {
    return CannotCreate(resource);
  }
  auto object = AdoptCreated(file.get());
  if (!object.ok()) {
    ::unlinkat(parent.get(), name.c_str(), 0);
    return Error{object.error().code,
                 ResourceName(resource) + " was not created: " + object.error().message,
                 object.error().sys_errno};
  }
  return std::optional<OpenObject>(std::move(*object));
}

Status CheckType(const Resource &resource, const OpenObject &object) {
  if (resource.object == ObjectType::kAny || resource.object == object.type) {
    return {};
  }
  return Error{Errc::kInvalid,
               ResourceName(resource) + " is a " + std::string(ObjectTypeName(object.type)) +
                   ", but declared as a " + std::string(ObjectTypeName(resource.object)) +
                   "; declare it as what it is, or correct the path"};
}

}  // namespace

std::string ResourceName(const Resource &resource) {
  std::string name(ResourceKindName(resource.kind));
  if (!resource.device.empty() && resource.device != name) {
    name += " " + resource.device;
  }
  return name + " (" + resource.path + ")";
}

Result<std::optional<OpenObject>> OpenResource(const Resource &resource, bool create) {
  const bool creatable = create && IsCreatable(resource);
  auto object = Find(resource.path);
  if (!object.ok() && object.error().sys_errno == ENOENT && creatable) {
    SVIRT_ASSIGN(auto created, Create(resource));
    if (created) {
      return created;
    }
    object = Find(resource.path);
  }
  if (!object.ok() && object.error().sys_errno == ENOENT && resource.optional) {
    return std::optional<OpenObject>();
  }
  if (!object.ok()) {
    return SystemError(object.error().sys_errno, ResourceName(resource) + " cannot be opened");
  }
  SVIRT_TRY(CheckType(resource, *object));
  return std::optional<OpenObject>(std::move(*object));
}

Status CheckCanBeMade(const Resource &resource) {
  // The host has made its own directories by the time that it needs them.
  if (resource.by_host || !IsCreatable(resource)) {
    return {};
  }
  SVIRT_ASSIGN(const Fd parent, OpenParent(resource, SplitPath(resource.path).first));
  if (::faccessat(parent.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    return CannotCreate(resource);
  }
  return {};
}

Result<OpenObject> OpenExactly(int directory, const std::string &path) {
  const uint64_t resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
                           (directory >= 0 ? RESOLVE_BENEATH | RESOLVE_NO_XDEV : 0u);
  OpenObject object;
  object.fd.Reset(OpenAt2(directory >= 0 ? directory : AT_FDCWD, path, O_PATH, resolve));
  // A link in the way means that what was there is not there any more.
  if (!object.fd && (errno == ELOOP || errno == ENOTDIR)) {
    return Error{Errc::kNotFound, path + " is not there any more", errno};
  }
  if (!object.fd) {
    return SystemError(errno, "cannot open " + path);
  }
  object.path = path;
  SVIRT_TRY(Identify(&object));
  return object;
}

void RemoveCreated(const OpenObject &object) {
  const auto [directory, name] = SplitPath(object.path);
  const Fd parent(OpenAt2(AT_FDCWD, directory, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS));
  struct stat st {};
  if (parent && ::fstatat(parent.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
      st.st_dev == object.id.dev && st.st_ino == object.id.ino && st.st_size == 0) {
    ::unlinkat(parent.get(), name.c_str(), 0);
  }
}

}  // namespace svirt
