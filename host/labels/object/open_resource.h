// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens the object that a resource means, once and for all.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "host/domain/resource.h"
#include "host/labels/types.h"
#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// An object of a file system, looked up once. The check of its type, the reading of its label, and
// the labelling all go through the one descriptor; its path is never looked up again, so that
// nobody can put another object in its place on the way.
struct OpenObject {
  Fd fd;  // O_PATH
  ObjectId id;
  ObjectType type = ObjectType::kAny;
  std::string path;       // without symbolic links
  bool created = false;   // by OpenResource
  uint64_t mount = 0;     // number of the mount that it was found on
  uint32_t links = 0;     // names that it has in its file system
  dev_t device = 0;       // the number of a device
  bool is_fixed = false;  // immutable or append-only, so that nothing of it can be changed
};

// Opens what resource.path names, and checks that it is of the type the resource declares.
// Symbolic links are followed, also the last component: volumes are commonly named by links below
// /dev. That is safe for labels, because decision, check and label meet the same object whatever
// the link names later; the emulator, when it looks the path up again and finds another object,
// finds one without its label. Links of /proc are not followed.
//
// A missing object that is optional is nullopt; or, with create, and if the domain may create it
// and it is a regular file, an empty file of mode 0600.
Result<std::optional<OpenObject>> OpenResource(const Resource &resource, bool create);

// Of a missing object: could OpenResource, with create, make it if it is to? Creates nothing.
Status CheckCanBeMade(const Resource &resource);

// Opens path, which must not lead through any symbolic link, below directory if that is not -1
// (and then on its file system only). Errc::kNotFound if there is no such object.
Result<OpenObject> OpenExactly(int directory, const std::string &path);

// Removes a file that OpenResource has created, if it is still there and empty.
void RemoveCreated(const OpenObject &object);

// "disk vda (/path)", "kernel (/path)": how messages name a resource.
std::string ResourceName(const Resource &resource);

}  // namespace svirt
