// SPDX-License-Identifier: LGPL-2.1-or-later
// Which errors are tried on which system calls.
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "tests/fault/tracer.h"

namespace svirt::fault {
namespace {

struct Call {
  long number;
  const char *name;
  int errors[2];  // 0: no more
};

// brk tells of its failures in another way; mmap stands for both.
constexpr Call kCalls[] = {
    {SYS_access, "access", {EACCES, 0}},
    {SYS_brk, "brk", {0, 0}},
    {SYS_clone, "clone", {EAGAIN, 0}},
    {SYS_clone3, "clone3", {EAGAIN, 0}},
    {SYS_close, "close", {EIO, 0}},
    {SYS_connect, "connect", {ECONNREFUSED, 0}},
    {SYS_execve, "execve", {ENOMEM, 0}},
    {SYS_exit_group, "exit_group", {0, 0}},
    {SYS_fallocate, "fallocate", {ENOSPC, 0}},
    {SYS_fchmod, "fchmod", {EIO, 0}},
    {SYS_fchown, "fchown", {EPERM, 0}},
    {SYS_fcntl, "fcntl", {ENOLCK, EAGAIN}},
    {SYS_fdatasync, "fdatasync", {EIO, ENOSPC}},
    {SYS_flock, "flock", {ENOLCK, EINTR}},
    {SYS_fsync, "fsync", {EIO, ENOSPC}},
    {SYS_fstat, "fstat", {EIO, 0}},
    {SYS_ftruncate, "ftruncate", {EIO, ENOSPC}},
    {SYS_futex, "futex", {0, 0}},
    {SYS_getdents64, "getdents64", {EIO, 0}},
    {SYS_getrandom, "getrandom", {EINTR, 0}},
    {SYS_getxattr, "getxattr", {EIO, EPERM}},
    {SYS_ioctl, "ioctl", {EIO, 0}},
    {SYS_kill, "kill", {EPERM, 0}},
    {SYS_link, "link", {ENOSPC, 0}},
    {SYS_linkat, "linkat", {ENOSPC, 0}},
    {SYS_listxattr, "listxattr", {EIO, EPERM}},
    {SYS_lseek, "lseek", {EIO, 0}},
    {SYS_lstat, "lstat", {EIO, EACCES}},
    {SYS_madvise, "madvise", {0, 0}},
    {SYS_mkdir, "mkdir", {ENOSPC, 0}},
    {SYS_mmap, "mmap", {ENOMEM, 0}},
    {SYS_mprotect, "mprotect", {ENOMEM, 0}},
    {SYS_munmap, "munmap", {0, 0}},
    {SYS_name_to_handle_at, "name_to_handle_at", {EOPNOTSUPP, 0}},
    {SYS_newfstatat, "newfstatat", {EIO, 0}},
    {SYS_open_by_handle_at, "open_by_handle_at", {EPERM, ESTALE}},
    {SYS_open, "open", {EMFILE, EACCES}},
    {SYS_openat, "openat", {EMFILE, EACCES}},
    {SYS_openat2, "openat2", {EMFILE, EAGAIN}},
    {SYS_pidfd_open, "pidfd_open", {EMFILE, 0}},
    {SYS_pipe2, "pipe2", {EMFILE, 0}},
    {SYS_poll, "poll", {EINTR, 0}},
    {SYS_ppoll, "ppoll", {EINTR, 0}},
    {SYS_pread64, "pread64", {EIO, EINTR}},
    {SYS_pwrite64, "pwrite64", {EIO, ENOSPC}},
    {SYS_read, "read", {EIO, EINTR}},
    {SYS_readlink, "readlink", {EIO, EACCES}},
    {SYS_readlinkat, "readlinkat", {EIO, 0}},
    {SYS_removexattr, "removexattr", {EIO, EPERM}},
    {SYS_rename, "rename", {ENOSPC, EACCES}},
    {SYS_renameat, "renameat", {ENOSPC, EACCES}},
    {SYS_rt_sigaction, "rt_sigaction", {0, 0}},
    {SYS_rt_sigprocmask, "rt_sigprocmask", {0, 0}},
    {SYS_rt_sigreturn, "rt_sigreturn", {0, 0}},
    {SYS_setxattr, "setxattr", {EIO, ENOSPC}},
    {SYS_socket, "socket", {EMFILE, 0}},
    {SYS_stat, "stat", {EIO, EACCES}},
    {SYS_statx, "statx", {EIO, 0}},
    {SYS_sync_file_range, "sync_file_range", {EIO, 0}},
    {SYS_unlink, "unlink", {EIO, 0}},
    {SYS_unlinkat, "unlinkat", {EIO, 0}},
    {SYS_wait4, "wait4", {EINTR, 0}},
    {SYS_write, "write", {EIO, ENOSPC}},
    {SYS_writev, "writev", {EIO, ENOSPC}},
};

const Call *Find(long number) {
  const auto *const call =
      std::find_if(std::begin(kCalls), std::end(kCalls),
                   [number](const Call &each) { return each.number == number; });
  return call == std::end(kCalls) ? nullptr : call;
}

}  // namespace

std::string CallName(long number) {
  const Call *call = Find(number);
  return call == nullptr ? "call " + std::to_string(number) : call->name;
}

long CallNumber(std::string_view name) {
  const auto *const call = std::find_if(std::begin(kCalls), std::end(kCalls),
                                        [name](const Call &each) { return each.name == name; });
  return call == std::end(kCalls) ? -1 : call->number;
}

std::vector<int> ErrorsOf(long number) {
  std::vector<int> errors;
  if (const Call *call = Find(number)) {
    std::copy_if(std::begin(call->errors), std::end(call->errors), std::back_inserter(errors),
                 [](int error) { return error != 0; });
  }
  return errors;
}

}  // namespace svirt::fault
