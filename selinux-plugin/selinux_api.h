// SPDX-License-Identifier: LGPL-2.1-or-later
// What the plugin asks of the system, in one place: libselinux in the plugin, a fake in its tests.
// Contexts are raw (never translated by mcstrans).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace svirt::selinux {

// The policy's answer for one source, target and class.
struct AccessAnswer {
  bool allowed = false;     // all of the permissions asked for
  bool permissive = false;  // the source type is permissive: denials are only logged
};

// Every int is 0 or an errno. Thread-safe.
class SelinuxApi {
 public:
  virtual ~SelinuxApi() = default;

  // The kernel has SELinux switched on and libselinux can talk to it.
  virtual bool Enabled() = 0;
  // The kernel has SELinux switched on, whatever libselinux can see of it (in a container:
  // nothing).
  virtual bool KernelRegistered() = 0;
  virtual int Enforcing(bool *enforcing) = 0;
  virtual uint32_t PolicyVersion() = 0;
  virtual std::string PolicyType() = 0;

  // Lines of selinux_virtual_domain_context_path() and selinux_virtual_image_context_path(),
  // without empty ones. *path is set in every case.
  virtual int DomainContexts(std::vector<std::string> *lines, std::string *path) = 0;
  virtual int ImageContexts(std::vector<std::string> *lines, std::string *path) = 0;

  // EINVAL: the loaded policy has no such context.
  virtual int CheckContext(const std::string &context) = 0;
  virtual int OwnContext(std::string *context) = 0;
  virtual int ProcessContext(pid_t pid, std::string *context) = 0;
  virtual bool NoNewPrivs() = 0;

  // May source do all of permissions, names of the class, to target? A name that the policy does
  // not know gives EINVAL.
  virtual int Access(const std::string &source, const std::string &target,
                     const char *security_class, const std::vector<const char *> &permissions,
                     AccessAnswer *answer) = 0;
  // nullopt: the policy has no such boolean.
  virtual std::optional<bool> Boolean(const char *name) = 0;

  // Of the file at path, links followed.
  virtual int FileContext(const std::string &path, std::string *context) = 0;
  // Of the object behind an O_PATH descriptor. EBADF also if /proc is not the kernel's.
  virtual int FdContext(int fd, std::string *context) = 0;
  virtual int SetFdContext(int fd, const std::string &context) = 0;
  virtual int RemoveFdContext(int fd) = 0;
  virtual int FdMode(int fd, mode_t *mode) = 0;
  virtual int FdFilesystem(int fd, long *magic) = 0;
  // Is it on a mount that gives everything on it one label (mount(8), "context=")?
  virtual int FdHasMountContext(int fd, bool *has) = 0;
  // What the policy's file contexts say for path. ENOENT: nothing.
  virtual int DefaultContext(const std::string &path, mode_t mode, std::string *context) = 0;
};

std::unique_ptr<SelinuxApi> MakeLibselinuxApi();

}  // namespace svirt::selinux
