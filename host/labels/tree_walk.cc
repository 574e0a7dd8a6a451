// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/labels/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace svirt {
namespace {

struct DirCloser {
  void operator()(DIR *dir) const { ::closedir(dir); }
};
using DirPtr = std::unique_ptr<DIR, DirCloser>;

// Names in the directory, read whole: a tree as deep as the file system allows then needs one
// descriptor at a time.
Result<std::vector<std::string>> ListNames(int directory, const std::string &path) {
  Fd fd(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    return SystemError(errno, "cannot list directory " + path);
  }
  const DirPtr dir(::fdopendir(fd.get()));
  if (!dir) {
    return SystemError(errno, "cannot list directory " + path);
  }
  fd.Release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent *entry = ::readdir(dir.get());
    if (entry == nullptr) {
      break;
    }
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  if (errno != 0) {
    return SystemError(errno, "cannot list directory " + path);
  }
  return names;
}

bool IsVisited(ObjectType type) {
  return type == ObjectType::kFile || type == ObjectType::kDir || type == ObjectType::kSocket ||
         type == ObjectType::kFifo;
}

}  // namespace

Status WalkTree(int directory, const TreeVisitor &visit) {
  std::vector<std::string> pending;
  const auto add = [&pending](int fd, const std::string &path) -> Status {
    SVIRT_ASSIGN(const auto names, ListNames(fd, path));
    for (const std::string &name : names) {
      pending.push_back(path == "." ? name : std::string(path).append("/").append(name));
    }
    return {};
  };
  SVIRT_TRY(add(directory, "."));
  while (!pending.empty()) {
    const std::string path = std::move(pending.back());
    pending.pop_back();
    const auto object = OpenExactly(directory, path);
    if (!object.ok()) {
      // EXDEV: something else is mounted here.
      if (object.error().code == Errc::kNotFound || object.error().sys_errno == EXDEV) {
        continue;
      }
      return object.error();
    }
    if (!IsVisited(object->type)) {
      continue;
    }
    SVIRT_ASSIGN(const bool enter, visit(*object));
    if (enter && object->type == ObjectType::kDir) {
      SVIRT_TRY(add(object->fd.get(), path));
    }
  }
  return {};
}

}  // namespace svirt
