// SPDX-License-Identifier: LGPL-2.1-or-later
// Goes down into each directory where it meets it, and reads on where it was when it comes back.
#include "host/labels/object/deep_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "host/util/fd.h"

namespace svirt {
namespace {

struct Closer {
  void operator()(DIR *dir) const { ::closedir(dir); }
};

// A directory that is being read.
struct Level {
  std::unique_ptr<DIR, Closer> dir;
  std::string path;
};

Result<Level> OpenLevel(const OpenObject &directory) {
  Fd fd(::openat(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Level level{std::unique_ptr<DIR, Closer>(fd ? ::fdopendir(fd.get()) : nullptr), directory.path};
  if (!level.dir) {
    return SystemError(errno, "cannot list directory " + directory.path);
  }
  fd.Release();
  return level;
}

bool IsLink(const OpenObject &object) {
  return object.type == ObjectType::kAny;
}

// The next object in the directory; nullopt: there is none. Errc::kNotFound: it is passed over.
Result<std::optional<OpenObject>> Next(const Level &level) {
  for (;;) {
    errno = 0;
    const dirent *entry = ::readdir(level.dir.get());
    if (entry == nullptr && errno != 0) {
      return SystemError(errno, "cannot list directory " + level.path);
    }
    if (entry == nullptr) {
      return std::optional<OpenObject>();
    }
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || entry->d_type == DT_LNK) {
      continue;
    }
    auto object = OpenExactly(::dirfd(level.dir.get()), name);
    if (object.ok()) {
      object->path = level.path == "/" ? "/" + name : level.path + "/" + name;
      return std::optional<OpenObject>(std::move(*object));
    }
    // EXDEV: something else is mounted here.
    const Error &error = object.error();
    if (error.code == Errc::kNotFound || error.sys_errno == EXDEV) {
      continue;
    }
    return SystemError(error.sys_errno, "cannot open " + level.path + "/" + name);
  }
}

}  // namespace

Status Walk(const std::string &path, const DeepWalk &walk) {
  SVIRT_ASSIGN(const OpenObject root, OpenExactly(-1, path));
  SVIRT_TRY(walk.visit(root));
  std::vector<Level> levels;
  const auto enter = [&](const OpenObject &object) {
    if (auto level = OpenLevel(object); level.ok()) {
      levels.push_back(std::move(*level));
    } else {
      walk.failed(level.error());
    }
  };
  if (root.type == ObjectType::kDir) {
    enter(root);
  }
  while (!levels.empty()) {
    const auto object = Next(levels.back());
    if (!object.ok()) {
      walk.failed(object.error());
    } else if (!*object) {
      levels.pop_back();
    } else if (!IsLink(**object)) {
      SVIRT_TRY(walk.visit(**object));
      if ((*object)->type == ObjectType::kDir) {
        enter(**object);
      }
    }
  }
  return {};
}

}  // namespace svirt
