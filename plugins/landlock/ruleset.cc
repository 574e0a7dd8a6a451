// SPDX-License-Identifier: LGPL-2.1-or-later
// Adds one rule after the other, each on an object that has been opened and checked.
#include "ruleset.h"

#include <fcntl.h>
#include <svirt/sdk.h>
#include <sys/stat.h>

#include <cerrno>

#include "baseline.h"
#include "interpreter.h"
#include "rights.h"

namespace svirt::landlock {

namespace {

using sdk::Fail;
using sdk::Fd;

const char *TypeName(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "a regular file";
    case S_IFBLK:
      return "a block device";
    case S_IFCHR:
      return "a character device";
    case S_IFDIR:
      return "a directory";
    case S_IFSOCK:
      return "a socket";
    case S_IFIFO:
      return "a FIFO";
    default:
      return "a symbolic link";
  }
}

mode_t ExpectedType(uint32_t object) {
  switch (object) {
    case SVIRT_OBJ_FILE:
      return S_IFREG;
    case SVIRT_OBJ_BLOCK:
      return S_IFBLK;
    case SVIRT_OBJ_CHAR:
      return S_IFCHR;
    case SVIRT_OBJ_DIR:
      return S_IFDIR;
    case SVIRT_OBJ_SOCKET:
      return S_IFSOCK;
    case SVIRT_OBJ_FIFO:
      return S_IFIFO;
    default:
      return 0;
  }
}

Shape ShapeOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFBLK:
    case S_IFCHR:
      return Shape::kDevice;
    case S_IFDIR:
      return Shape::kDirectory;
    case S_IFSOCK:
      return Shape::kSocket;
    default:
      return Shape::kFile;
  }
}

class Builder {
 public:
  Builder(const KernelCalls &kernel, const Features &features, svirt_error *error)
      : kernel_(kernel), features_(features), error_(error) {}

  svirt_status Create() {
    const RulesetAttr attr{features_.rights, 0, features_.scopes};
    const int result = kernel_.create_ruleset(&attr, 0);
    if (result < 0) {
      return Fail(error_, SVIRT_E_SYSTEM, -result, "making a Landlock ruleset failed: %s",
                  std::strerror(-result));
    }
    ruleset_.Reset(result);
    return SVIRT_OK;
  }

  svirt_status AddBaseline() {
    for (const BaselineEntry &entry : Baseline()) {
      if (const svirt_status status = AddExisting(entry.path, entry.rights); status != SVIRT_OK) {
        return status;
      }
    }
    return SVIRT_OK;
  }

  svirt_status AddEmulator(const char *path) {
    // Not O_PATH: its ELF header is read. Not blocking, should it be a FIFO.
    const Fd fd(::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat status;
    if (!fd || ::fstat(fd.get(), &status) != 0) {
      return CannotOpen("emulator", path, errno);
    }
    if (!S_ISREG(status.st_mode)) {
      return Fail(error_, SVIRT_E_DENIED, 0, "the emulator %s is %s, not a program", path,
                  TypeName(status.st_mode));
    }
    std::string interpreter;
    svirt_status result = FindInterpreter(fd.get(), path, &interpreter, error_);
    if (result == SVIRT_OK) {
      result = AddRule(fd.get(), kReadFile | kExecute, path);
    }
    if (result == SVIRT_OK && !interpreter.empty()) {
      result = AddExisting(interpreter.c_str(), kReadFile | kExecute);
    }
    return result;
  }

  svirt_status AddResource(const svirt_resource &resource, const std::vector<svirt_resource> &all) {
    if (NeedsParent(resource, all)) {
      return AddSocketParent(resource);
    }
    Fd opened;
    int fd = resource.fd;
    if (fd < 0) {
      opened.Reset(::open(resource.path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
      fd = opened.get();
    }
    struct stat status;
    if (fd < 0 || ::fstat(fd, &status) != 0) {
      return errno == ENOENT ? Missing(resource, all)
                             : CannotOpen("resource", resource.path, errno);
    }
    const mode_t type = status.st_mode & S_IFMT;
    const mode_t expected = ExpectedType(resource.object);
    if (type == S_IFLNK || (expected != 0 && type != expected)) {
      return Fail(error_, SVIRT_E_DENIED, 0,
                  "%s is %s, where the domain was to be granted %s: give the path of the object "
                  "itself",
                  resource.path, TypeName(type), expected != 0 ? TypeName(expected) : "an object");
    }
    return AddRule(fd, ObjectRights(resource, ShapeOf(type), features_), resource.path);
  }

  Fd Take() { return std::move(ruleset_); }

 private:
  // Asked for only by a domain that goes without it where it is missing.
  svirt_status AddExisting(const char *path, uint64_t rights) {
    const Fd fd(::open(path, O_PATH | O_CLOEXEC));
    struct stat status;
    if (!fd || ::fstat(fd.get(), &status) != 0) {
      return errno == ENOENT || errno == ENOTDIR || errno == EACCES
                 ? SVIRT_OK
                 : CannotOpen("file", path, errno);
    }
    return AddRule(fd.get(), S_ISDIR(status.st_mode) ? rights : rights & kFileRights, path);
  }

  // The socket need not be there; one that is there, left over, could not be removed by the domain
  // and so not be made again.
  svirt_status AddSocketParent(const svirt_resource &resource) {
    struct stat status;
    if (::lstat(resource.path, &status) == 0) {
      return Fail(error_, SVIRT_E_DENIED, 0,
                  "%s exists, and under Landlock the domain may remove it only in a directory of "
                  "its own: remove it, or put it into the domain's run directory",
                  resource.path);
    }
    const std::string parent = ParentOf(resource.path);
    const Fd fd(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd) {
      return CannotOpen("directory", parent.c_str(), errno);
    }
    return AddRule(fd.get(), kParentRights, parent.c_str());
  }

  // What is missing cannot be granted. Fine if nobody will make it, or if the domain makes it where
  // it may make everything.
  svirt_status Missing(const svirt_resource &resource, const std::vector<svirt_resource> &all) {
    if ((resource.access & SVIRT_ACCESS_CREATE) == 0 || InOwnDirectory(resource.path, all)) {
      return SVIRT_OK;
    }
    return Fail(error_, SVIRT_E_DENIED, ENOENT,
                "%s does not exist, and Landlock cannot let the domain make it outside a directory "
                "of its own: create it first, or put it into the domain's run directory",
                resource.path);
  }

  svirt_status CannotOpen(const char *what, const char *path, int err) {
    return Fail(error_, SVIRT_E_SYSTEM, err, "cannot open the %s %s for a Landlock rule: %s", what,
                path, std::strerror(err));
  }

  svirt_status AddRule(int fd, uint64_t rights, const char *path) {
    rights &= features_.rights;
    if (rights == 0) {
      return SVIRT_OK;  // the kernel takes no empty rule, and none is needed
    }
    if (const int err = kernel_.add_rule(ruleset_.get(), {rights, fd}); err < 0) {
      return Fail(error_, SVIRT_E_SYSTEM, -err, "cannot grant %s of %s by a Landlock rule: %s",
                  RightWords(rights).c_str(), path, std::strerror(-err));
    }
    return SVIRT_OK;
  }

  const KernelCalls &kernel_;
  const Features &features_;
  svirt_error *error_;
  Fd ruleset_;
};

}  // namespace

svirt_status BuildRuleset(const KernelCalls &kernel, const Features &features,
                          const svirt_domain &domain, Fd *ruleset, svirt_error *error) {
  Builder builder(kernel, features, error);
  svirt_status status = builder.Create();
  if (status == SVIRT_OK) {
    status = builder.AddBaseline();
  }
  if (status == SVIRT_OK) {
    status = builder.AddEmulator(domain.emulator);
  }
  const std::vector<svirt_resource> resources = sdk::Resources(domain);
  for (size_t i = 0; i < resources.size() && status == SVIRT_OK; ++i) {
    // The emulator has its rule already, and unlike a resource it may be a symbolic link.
    if (resources[i].kind != SVIRT_RES_EMULATOR ||
        std::strcmp(resources[i].path, domain.emulator) != 0) {
      status = builder.AddResource(resources[i], resources);
    }
  }
  if (status == SVIRT_OK) {
    *ruleset = builder.Take();
  }
  return status;
}

}  // namespace svirt::landlock
