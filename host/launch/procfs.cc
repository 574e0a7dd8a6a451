// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens a directory and asks the kernel whether it is the root of a proc file system.
#include "host/launch/procfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>

namespace svirt {
namespace {

// The inode number of every proc root (PROC_ROOT_INO in the kernel): tells it from a directory
// inside proc that was bound over it.
constexpr ino_t kProcRootInode = 1;

}  // namespace

Result<Fd> OpenProcRoot(const std::string &path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    const int err = errno;
    if (err == ELOOP || err == ENOTDIR) {
      return Error{Errc::kRefused,
                   path +
                       " is not a directory, so a security label cannot be set safely: mount "
                       "the proc file system there",
                   err};
    }
    return SystemError(err, "cannot open " + path + " to set a security label");
  }
  struct statfs fs {};
  struct stat st {};
  if (fstatfs(fd.get(), &fs) != 0 || fstat(fd.get(), &st) != 0) {
    return SystemError(errno, "cannot examine " + path);
  }
  if (fs.f_type != PROC_SUPER_MAGIC || st.st_ino != kProcRootInode) {
    return Error{Errc::kRefused,
                 path +
                     " is not the root of a proc file system, so a security label written "
                     "there would have no effect: remove what is mounted over it"};
  }
  return fd;
}

}  // namespace svirt
