// SPDX-License-Identifier: LGPL-2.1-or-later
// Changes labels through descriptors, and explains refusals by rule, boolean or file system.
#include "resource_label.h"

#include <linux/magic.h>
#include <svirt/sdk.h>
#include <sys/stat.h>

#include <cstring>

#include "context.h"

namespace svirt::selinux {
namespace {

const char *PathOf(const svirt_resource &resource) {
  return resource.path != nullptr ? resource.path : "the resource";
}

bool CannotStore(int errnum) {
  return errnum == EOPNOTSUPP || errnum == ENOTSUP || errnum == EROFS;
}

// With the right boolean domains may use files of these file systems, which have one label for all.
std::string FilesystemHint(SelinuxApi *api, int fd) {
  struct Remote {
    long magic;
    const char *name, *boolean;
  };
  constexpr long kCifsMagic = 0xFF534D42;  // CIFS_SUPER_MAGIC; not in the oldest linux/magic.h
  constexpr long kFuseMagic = 0x65735546;
  constexpr Remote kRemotes[] = {{NFS_SUPER_MAGIC, "NFS", "virt_use_nfs"},
                                 {kCifsMagic, "SMB", "virt_use_samba"},
                                 {SMB_SUPER_MAGIC, "SMB", "virt_use_samba"},
                                 {kFuseMagic, "FUSE", "virt_use_fusefs"}};
  long magic = 0;
  if (api->FdFilesystem(fd, &magic) != 0) {
    return "";
  }
  for (const Remote &remote : kRemotes) {
    if (remote.magic != magic) {
      continue;
    }
    const auto on = api->Boolean(remote.boolean);
    if (on && !*on) {
      return std::string("; for domains to use files on ") + remote.name + ", setsebool -P " +
             remote.boolean + " on";
    }
  }
  return "";
}

// Which right the kernel missed when it refused to change a label.
std::string MissingRule(SelinuxApi *api, const svirt_resource &resource, const std::string &current,
                        const std::string &wanted) {
  mode_t mode = 0;
  std::string own;
  if (api->FdMode(resource.fd, &mode) != 0 || api->OwnContext(&own) != 0) {
    return "";
  }
  const char *security_class = S_ISREG(mode)    ? "file"
                               : S_ISDIR(mode)  ? "dir"
                               : S_ISBLK(mode)  ? "blk_file"
                               : S_ISCHR(mode)  ? "chr_file"
                               : S_ISSOCK(mode) ? "sock_file"
                               : S_ISFIFO(mode) ? "fifo_file"
                                                : "lnk_file";
  std::string why;
  const auto source = ParseContext(own, &why);
  const std::pair<const std::string *, const char *> steps[] = {{&current, "relabelfrom"},
                                                                {&wanted, "relabelto"}};
  for (const auto &[target, permission] : steps) {
    AccessAnswer answer;
    const auto context = ParseContext(*target, &why);
    if (source && context &&
        api->Access(own, *target, security_class, {permission}, &answer) == 0 && !answer.allowed) {
      return ": the policy lacks allow " + source->type + " " + context->type + ":" +
             security_class + " " + permission + "; keep images where the policy expects them " +
             "(/var/lib/svirt/images), or give this one a type such as virt_image_t";
    }
  }
  return "";
}

svirt_status NeedsDescriptor(const svirt_resource &resource, svirt_error *error) {
  return sdk::Fail(error, SVIRT_E_INVALID, 0,
                   "%s is not open: labels are read and set through a "
                   "descriptor only",
                   PathOf(resource));
}

}  // namespace

bool HasCategories(const std::string &label) {
  std::string why;
  const auto context = ParseContext(label, &why);
  return context && context->high().categories.any();
}

svirt_status GetResourceLabel(SelinuxApi *api, const svirt_resource &resource, std::string *label,
                              svirt_error *error) {
  if (resource.fd < 0) {
    return NeedsDescriptor(resource, error);
  }
  int errnum = api->FdContext(resource.fd, label);
  // What a mount gives to all is no object's own. One with categories was mounted for its domain.
  bool is_mounts = false;
  if (errnum == 0 && !HasCategories(*label)) {
    errnum = api->FdHasMountContext(resource.fd, &is_mounts);
  }
  if (is_mounts) {
    return sdk::Fail(error, SVIRT_E_NOTSUP, 0,
                     "the file system of %s is mounted with the option context: all that is on it "
                     "has the SELinux label %s",
                     PathOf(resource), label->c_str());
  }
  if (errnum == 0) {
    return SVIRT_OK;
  }
  if (errnum == ENODATA) {
    return sdk::Fail(error, SVIRT_E_NODATA, errnum, "%s has no SELinux label", PathOf(resource));
  }
  if (CannotStore(errnum)) {
    return sdk::Fail(error, SVIRT_E_NOTSUP, errnum,
                     "the file system of %s stores no SELinux labels%s", PathOf(resource),
                     FilesystemHint(api, resource.fd).c_str());
  }
  return sdk::Fail(error, errnum == EACCES || errnum == EPERM ? SVIRT_E_DENIED : SVIRT_E_SYSTEM,
                   errnum, "cannot read the SELinux label of %s: %s", PathOf(resource),
                   errnum == EBADF ? "its descriptor is not valid, or /proc is not the kernel's"
                                   : std::strerror(errnum));
}

svirt_status SetResourceLabel(SelinuxApi *api, const svirt_resource &resource,
                              const std::optional<std::string> &label, svirt_error *error) {
  if (resource.fd < 0) {
    return NeedsDescriptor(resource, error);
  }
  std::optional<std::string> wanted = label;
  int errnum = 0;
  if (!wanted) {
    mode_t mode = 0;
    std::string fallback;
    errnum = api->FdMode(resource.fd, &mode);
    if (errnum == 0) {
      errnum = api->DefaultContext(PathOf(resource), mode, &fallback);
    }
    if (errnum == 0) {
      wanted = fallback;
    } else if (errnum != ENOENT) {
      return sdk::Fail(error, SVIRT_E_SYSTEM, errnum,
                       "cannot ask the policy for the default label of %s: %s", PathOf(resource),
                       std::strerror(errnum));
    }
  }
  std::string current;
  const int read_errnum = api->FdContext(resource.fd, &current);
  if ((wanted && read_errnum == 0 && current == *wanted) || (!wanted && read_errnum == ENODATA)) {
    return SVIRT_OK;
  }
  errnum = wanted ? api->SetFdContext(resource.fd, *wanted) : api->RemoveFdContext(resource.fd);
  const std::string text = wanted.value_or("none at all");
  switch (errnum) {
    case 0:
      return SVIRT_OK;
    case EINVAL:
      return sdk::Fail(error, SVIRT_E_INVALID, errnum,
                       "the loaded policy has no label '%s', so %s cannot have it", text.c_str(),
                       PathOf(resource));
    case EACCES:
    case EPERM:
      if (!wanted) {
        return sdk::Fail(
            error, SVIRT_E_NOTSUP, errnum,
            "the policy names no default label for %s, and SELinux takes no label away "
            "without a new one: it keeps '%s'",
            PathOf(resource), current.c_str());
      }
      return sdk::Fail(error, SVIRT_E_DENIED, errnum,
                       "may not change the SELinux label of %s from '%s' to '%s'%s",
                       PathOf(resource), current.c_str(), text.c_str(),
                       MissingRule(api, resource, current, text).c_str());
    case EBADF:
      return sdk::Fail(error, SVIRT_E_SYSTEM, errnum,
                       "cannot label %s: its descriptor is not valid, or /proc is not the kernel's",
                       PathOf(resource));
    default:
      break;
  }
  if (CannotStore(errnum)) {
    return sdk::Fail(error, SVIRT_E_NOTSUP, errnum, "the file system of %s %s SELinux labels%s",
                     PathOf(resource), errnum == EROFS ? "is read-only and takes no" : "stores no",
                     FilesystemHint(api, resource.fd).c_str());
  }
  return sdk::Fail(error, SVIRT_E_SYSTEM, errnum, "cannot label %s '%s': %s", PathOf(resource),
                   text.c_str(), std::strerror(errnum));
}

}  // namespace svirt::selinux
