// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and writes owner, mode and ACL of an object.
#include "guard.h"

#include <acl/libacl.h>
#include <linux/magic.h>
#include <sys/acl.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace svirt::dac {
namespace {

struct FreeAcl {
  void operator()(void *memory) const { ::acl_free(memory); }
};
using LibAcl = std::unique_ptr<std::remove_pointer_t<acl_t>, FreeAcl>;

// Not in linux/magic.h of every kernel.
constexpr unsigned long kFuse = 0x65735546, kCifs = 0xff534d42, kSmb2 = 0xfe534d42;
constexpr std::array<unsigned long, 10> kOwnMind = {
    NFS_SUPER_MAGIC,  kFuse,           kCifs,        kSmb2,           SMB_SUPER_MAGIC, V9FS_MAGIC,
    CEPH_SUPER_MAGIC, AFS_SUPER_MAGIC, AFS_FS_MAGIC, CODA_SUPER_MAGIC};

bool HasOwnMind(const std::string &name) {
  struct statfs system {};
  return ::statfs(name.c_str(), &system) == 0 &&
         std::find(kOwnMind.begin(), kOwnMind.end(),
                   static_cast<unsigned long>(system.f_type) & UINT32_MAX) != kOwnMind.end();
}

unsigned RightsOf(acl_entry_t entry) {
  acl_permset_t set = nullptr;
  ::acl_get_permset(entry, &set);
  unsigned rights = 0;
  for (const unsigned right : {kRead, kWrite, kPass}) {
    rights |= ::acl_get_perm(set, right) > 0 ? right : 0;
  }
  return rights;
}

uint32_t IdOf(acl_entry_t entry) {
  const std::unique_ptr<uint32_t, FreeAcl> id(static_cast<uint32_t *>(::acl_get_qualifier(entry)));
  return id != nullptr ? *id : UINT32_MAX;
}

Acl FromLib(acl_t list) {
  Acl acl;
  acl_entry_t entry = nullptr;
  for (int which = ACL_FIRST_ENTRY; ::acl_get_entry(list, which, &entry) == 1;
       which = ACL_NEXT_ENTRY) {
    acl_tag_t tag = ACL_UNDEFINED_TAG;
    ::acl_get_tag_type(entry, &tag);
    const unsigned rights = RightsOf(entry);
    switch (tag) {
      case ACL_USER_OBJ:
        acl.owner = rights;
        break;
      case ACL_USER:
        acl.users[IdOf(entry)] = rights;
        break;
      case ACL_GROUP_OBJ:
        acl.group = rights;
        break;
      case ACL_GROUP:
        acl.groups[IdOf(entry)] = rights;
        break;
      case ACL_MASK:
        acl.mask = rights;
        break;
      default:
        acl.other = rights;
    }
  }
  return acl;
}

// 0 or errno. id: nullptr for entries that have none.
int Append(LibAcl *list, acl_tag_t tag, const uint32_t *id, unsigned rights) {
  acl_t raw = list->release();  // adding an entry may move it
  acl_entry_t entry = nullptr;
  const bool made = ::acl_create_entry(&raw, &entry) == 0;
  list->reset(raw);
  acl_permset_t set = nullptr;
  if (!made || ::acl_set_tag_type(entry, tag) != 0 ||
      (id != nullptr && ::acl_set_qualifier(entry, id) != 0) ||
      ::acl_get_permset(entry, &set) != 0) {
    return errno;
  }
  for (const unsigned right : {kRead, kWrite, kPass}) {
    if ((rights & right) != 0) {
      ::acl_add_perm(set, right);
    }
  }
  return 0;
}

int ToLib(const Acl &acl, LibAcl *list) {
  list->reset(::acl_init(static_cast<int>(acl.users.size() + acl.groups.size() + 4)));
  if (*list == nullptr) {
    return errno;
  }
  int error = Append(list, ACL_USER_OBJ, nullptr, acl.owner);
  for (const auto &[id, rights] : acl.users) {
    error = error != 0 ? error : Append(list, ACL_USER, &id, rights);
  }
  error = error != 0 ? error : Append(list, ACL_GROUP_OBJ, nullptr, acl.group);
  for (const auto &[id, rights] : acl.groups) {
    error = error != 0 ? error : Append(list, ACL_GROUP, &id, rights);
  }
  if (acl.mask) {
    error = error != 0 ? error : Append(list, ACL_MASK, nullptr, *acl.mask);
  }
  return error != 0 ? error : Append(list, ACL_OTHER, nullptr, acl.other);
}

}  // namespace

bool Guard::Shuts(const Identity &who, unsigned want) const {
  return keeper != Keeper::kElsewhere && !Allows(acl, owner(), who, want);
}

std::string NameOf(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

Guard GuardOfMode(const struct stat &status) {
  Guard guard;
  guard.status = status;
  guard.acl = FromMode(status.st_mode);
  return guard;
}

int ReadGuard(const std::string &name, Guard *guard) {
  struct stat status {};
  if (::stat(name.c_str(), &status) != 0) {
    return errno;
  }
  Guard read = GuardOfMode(status);
  // Its mode is no access control, and it has no ACL.
  if (!S_ISLNK(read.status.st_mode)) {
    // libacl would look at the mode once more where there is none.
    const bool has_none =
        ::getxattr(name.c_str(), "system.posix_acl_access", nullptr, 0) < 0 && errno == ENODATA;
    const LibAcl list(has_none ? nullptr : ::acl_get_file(name.c_str(), ACL_TYPE_ACCESS));
    if (has_none) {
      *guard = std::move(read);
      return 0;
    }
    if (list != nullptr) {
      read.acl = FromLib(list.get());
    } else if (errno == EOPNOTSUPP) {
      read.keeper = HasOwnMind(name) ? Guard::Keeper::kElsewhere : Guard::Keeper::kMode;
    } else {
      return errno;
    }
  }
  *guard = std::move(read);
  return 0;
}

int WriteAcl(const std::string &name, const Acl &acl) {
  LibAcl list;
  if (const int error = ToLib(acl, &list); error != 0) {
    return error;
  }
  return ::acl_set_file(name.c_str(), ACL_TYPE_ACCESS, list.get()) == 0 ? 0 : errno;
}

}  // namespace svirt::dac
