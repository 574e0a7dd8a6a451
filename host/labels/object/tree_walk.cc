// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads directories level by level, in several threads.
#include "host/labels/object/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "host/util/parallel.h"

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

// One level of the tree after the other, each in several threads.
Status WalkTree(int directory, const TreeVisitor &visit) {
  SVIRT_ASSIGN(std::vector<std::string> level, ListNames(directory, "."));
  for (size_t first = 0; !level.empty();) {
    std::vector<std::vector<std::string>> below(level.size());
    SVIRT_TRY(ForEach(level.size(), [&](size_t i) -> Status {
      const auto object = OpenExactly(directory, level[i]);
      if (!object.ok()) {
        // EXDEV: something else is mounted here.
        const bool passed =
            object.error().code == Errc::kNotFound || object.error().sys_errno == EXDEV;
        return passed ? Status() : object.error();
      }
      if (!IsVisited(object->type)) {
        return {};
      }
      SVIRT_ASSIGN(const bool enter, visit(*object, first + i));
      if (enter && object->type == ObjectType::kDir) {
        SVIRT_ASSIGN(below[i], ListNames(object->fd.get(), level[i]));
      }
      return {};
    }));
    first += level.size();
    std::vector<std::string> next;
    for (size_t i = 0; i < level.size(); ++i) {
      for (const std::string &name : below[i]) {
        next.push_back(level[i] + "/" + name);
      }
    }
    level = std::move(next);
  }
  return {};
}

}  // namespace svirt
