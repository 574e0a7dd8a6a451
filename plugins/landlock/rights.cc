// SPDX-License-Identifier: LGPL-2.1-or-later
// Maps the access and the type of a resource to rights, and rights to words.
#include "rights.h"

#include <algorithm>

namespace svirt::landlock {

namespace {

struct Word {
  uint64_t right;
  const char *word;
};

constexpr Word kWords[] = {
    {kReadFile, "read"},
    {kReadDir, "list"},
    {kWriteFile, "write"},
    {kTruncate, "truncate"},
    {kExecute, "execute"},
    {kIoctlDev, "ioctl"},
    {kMakeReg, "make-file"},
    {kMakeSock, "make-socket"},
    {kMakeFifo, "make-fifo"},
    {kMakeDir, "make-directory"},
    {kMakeSym, "make-symlink"},
    {kRemoveFile, "remove-file"},
    {kRemoveDir, "remove-directory"},
    {kRefer, "move"},
};

// To write a directory is to make and remove entries. Device nodes are left out: a node of the
// domain's own making would open every device to it.
constexpr uint64_t kEntryRights =
    kMakeReg | kMakeSock | kMakeFifo | kMakeDir | kMakeSym | kRemoveFile | kRemoveDir | kRefer;

// A directory of these kinds holds device nodes (vfio groups, terminals); of others, data.
bool HoldsDevices(uint32_t kind) {
  switch (kind) {
    case SVIRT_RES_CHARDEV:
    case SVIRT_RES_HOSTDEV:
    case SVIRT_RES_INPUT:
    case SVIRT_RES_NET:
    case SVIRT_RES_GRAPHICS:
      return true;
    default:
      return false;
  }
}

// Lexical, and blind to symbolic links: a path that leads elsewhere gets less, never more.
bool IsBelow(std::string_view path, std::string_view directory) {
  while (directory.size() > 1 && directory.back() == '/') {
    directory.remove_suffix(1);
  }
  if (path.find("/../") != std::string_view::npos || path.ends_with("/..")) {
    return false;
  }
  return path.size() > directory.size() && path.starts_with(directory) &&
         (directory == "/" || path[directory.size()] == '/');
}

bool IsOwnDirectory(const svirt_resource &resource) {
  return resource.object == SVIRT_OBJ_DIR && (resource.flags & SVIRT_RES_SUBTREE) != 0 &&
         (resource.access & SVIRT_ACCESS_WRITE) != 0 && resource.path != nullptr;
}

}  // namespace

Shape DeclaredShape(const svirt_resource &resource) {
  switch (resource.object) {
    case SVIRT_OBJ_BLOCK:
    case SVIRT_OBJ_CHAR:
      return Shape::kDevice;
    case SVIRT_OBJ_DIR:
      return Shape::kDirectory;
    case SVIRT_OBJ_SOCKET:
      return Shape::kSocket;
    default:
      return resource.kind == SVIRT_RES_SOCKET ? Shape::kSocket : Shape::kFile;
  }
}

uint64_t ObjectRights(const svirt_resource &resource, Shape shape, const Features &features) {
  const bool directory = shape == Shape::kDirectory;
  // A directory without SUBTREE is itself all that is meant: its list, not its content.
  const bool content = !directory || (resource.flags & SVIRT_RES_SUBTREE) != 0;
  uint64_t rights = 0;
  if ((resource.access & SVIRT_ACCESS_READ) != 0) {
    rights |= (content ? kReadFile : 0) | (directory ? kReadDir : 0);
  }
  if ((resource.access & SVIRT_ACCESS_WRITE) != 0) {
    rights |= (content ? kWriteFile | kTruncate : 0) | (directory && content ? kEntryRights : 0);
  }
  if ((resource.access & SVIRT_ACCESS_EXEC) != 0 && content) {
    rights |= kExecute;
  }
  // Opened read-only, a device obeys most of its ioctls as well.
  if (rights != 0 && (shape == Shape::kDevice || (directory && HoldsDevices(resource.kind)))) {
    rights |= kIoctlDev;
  }
  return rights & features.rights;
}

bool InOwnDirectory(std::string_view path, const std::vector<svirt_resource> &all) {
  return std::any_of(all.begin(), all.end(), [path](const svirt_resource &other) {
    return IsOwnDirectory(other) && IsBelow(path, other.path);
  });
}

bool NeedsParent(const svirt_resource &resource, const std::vector<svirt_resource> &all) {
  return (resource.access & SVIRT_ACCESS_CREATE) != 0 &&
         DeclaredShape(resource) == Shape::kSocket && !InOwnDirectory(resource.path, all);
}

std::string RightWords(uint64_t rights) {
  std::string words;
  for (const Word &word : kWords) {
    if ((rights & word.right) != 0) {
      words += words.empty() ? "" : ",";
      words += word.word;
    }
  }
  return words;
}

std::string ParentOf(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') {
    path.remove_suffix(1);
  }
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? "/" : std::string(path.substr(0, slash));
}

}  // namespace svirt::landlock
