// SPDX-License-Identifier: LGPL-2.1-or-later
// What guards an object: its owner, its mode, and its access control list, read and written by
// libacl.
#pragma once

#include <sys/stat.h>

#include <string>

#include "acl.h"

namespace svirt::dac {

struct Guard {
  enum class Keeper {
    kAcl,        // the file system keeps ACLs, whether there is one here or not
    kMode,       // it does not: the mode alone decides
    kElsewhere,  // it is of a mind of its own: a server or a program decides
  };

  struct stat status {};
  Acl acl;  // as the mode has it where there is none
  Keeper keeper = Keeper::kAcl;

  Identity owner() const { return {status.st_uid, status.st_gid}; }
  // Is it sure that the identity may not? What is decided elsewhere is not.
  bool Shuts(const Identity &who, unsigned want) const;
};

// The name that leads to the object behind a descriptor, O_PATH or not.
std::string NameOf(int fd);

// As if there were no ACL.
Guard GuardOfMode(const struct stat &status);

// Both 0 or errno.
int ReadGuard(const std::string &name, Guard *guard);
int WriteAcl(const std::string &name, const Acl &acl);

}  // namespace svirt::dac
