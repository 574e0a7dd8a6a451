// SPDX-License-Identifier: LGPL-2.1-or-later
// A kernel with SELinux and a policy, of as many words as a test needs.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "selinux_api.h"

namespace svirt::selinux {

class FakeSelinux : public SelinuxApi {
 public:
  // Source type, target type, class, permission.
  using Rule = std::tuple<std::string, std::string, std::string, std::string>;
  struct Object {
    std::string label = "system_u:object_r:virt_image_t:s0";
    mode_t mode = S_IFREG | 0600;
    long filesystem = 0xEF53;
    bool mount_context = false;
    int get_errno = 0, set_errno = 0;
    int writes = 0;
  };

  bool enabled = true, registered = true, enforcing = true, no_new_privs = false;
  int enforcing_errno = 0, own_errno = 0, domain_errno = 0, image_errno = 0, access_errno = 0;
  std::string own = "system_u:system_r:virtd_t:s0-s0:c0.c1023";
  std::vector<std::string> domain_lines = {"system_u:system_r:svirt_t:s0",
                                           "system_u:system_r:svirt_tcg_t:s0"};
  std::vector<std::string> image_lines = {"system_u:object_r:svirt_image_t:s0",
                                          "system_u:object_r:virt_content_t:s0"};
  // Says 0 or an errno; every context is valid unless a test says otherwise.
  std::function<int(const std::string &)> check = [](const std::string &) { return 0; };
  std::set<Rule> denied;
  std::set<std::string> permissive_types;
  std::map<std::string, bool> booleans;
  std::map<pid_t, std::string> processes;
  std::map<std::string, std::string> files = {
      {"/usr/bin/qemu-system-x86_64", "system_u:object_r:qemu_exec_t:s0"},
      {"/usr/bin/true", "system_u:object_r:bin_t:s0"}};
  std::map<int, Object> objects;
  std::map<std::string, std::string> defaults;
  std::vector<std::string> asked;  // "class permission" of every Access

  bool Enabled() override { return enabled; }
  bool KernelRegistered() override { return registered; }
  int Enforcing(bool *on) override;
  uint32_t PolicyVersion() override { return 33; }
  std::string PolicyType() override { return "default"; }
  int DomainContexts(std::vector<std::string> *lines, std::string *path) override;
  int ImageContexts(std::vector<std::string> *lines, std::string *path) override;
  int CheckContext(const std::string &context) override { return check(context); }
  int OwnContext(std::string *context) override;
  int ProcessContext(pid_t pid, std::string *context) override;
  bool NoNewPrivs() override { return no_new_privs; }
  int Access(const std::string &source, const std::string &target, const char *security_class,
             const std::vector<const char *> &permissions, AccessAnswer *answer) override;
  std::optional<bool> Boolean(const char *name) override;
  int FileContext(const std::string &path, std::string *context) override;
  int FdContext(int fd, std::string *context) override;
  int SetFdContext(int fd, const std::string &context) override;
  int RemoveFdContext(int fd) override;
  int FdMode(int fd, mode_t *mode) override;
  int FdFilesystem(int fd, long *magic) override;
  int FdHasMountContext(int fd, bool *has) override;
  int DefaultContext(const std::string &path, mode_t mode, std::string *context) override;
};

// The type in a context: its third part.
std::string TypeOf(const std::string &context);

}  // namespace svirt::selinux
