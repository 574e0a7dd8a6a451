// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers from plain members what a kernel and its policy would answer.
#include "testing/fake_selinux.h"

#include <cerrno>

namespace svirt::selinux {

std::string TypeOf(const std::string &context) {
  const size_t role = context.find(':') + 1;
  const size_t type = context.find(':', role) + 1;
  return context.substr(type, context.find(':', type) - type);
}

int FakeSelinux::Enforcing(bool *on) {
  *on = enforcing;
  return enforcing_errno;
}

int FakeSelinux::DomainContexts(std::vector<std::string> *lines, std::string *path) {
  *path = "/etc/selinux/default/contexts/virtual_domain_context";
  *lines = domain_lines;
  return domain_errno;
}

int FakeSelinux::ImageContexts(std::vector<std::string> *lines, std::string *path) {
  *path = "/etc/selinux/default/contexts/virtual_image_context";
  *lines = image_lines;
  return image_errno;
}

int FakeSelinux::OwnContext(std::string *context) {
  *context = own;
  return own_errno;
}

int FakeSelinux::ProcessContext(pid_t pid, std::string *context) {
  const auto process = processes.find(pid);
  if (process == processes.end()) {
    return ENOENT;
  }
  *context = process->second;
  return 0;
}

int FakeSelinux::Access(const std::string &source, const std::string &target,
                        const char *security_class, const std::vector<const char *> &permissions,
                        AccessAnswer *answer) {
  if (access_errno != 0) {
    return access_errno;
  }
  answer->allowed = true;
  for (const char *permission : permissions) {
    asked.push_back(std::string(security_class) + " " + permission);
    if (denied.count({TypeOf(source), TypeOf(target), security_class, permission}) != 0) {
      answer->allowed = false;
    }
  }
  answer->permissive = permissive_types.count(TypeOf(source)) != 0;
  return 0;
}

std::optional<bool> FakeSelinux::Boolean(const char *name) {
  const auto boolean = booleans.find(name);
  return boolean == booleans.end() ? std::nullopt : std::optional<bool>(boolean->second);
}

int FakeSelinux::FileContext(const std::string &path, std::string *context) {
  const auto file = files.find(path);
  if (file == files.end()) {
    return ENOENT;
  }
  *context = file->second;
  return 0;
}

int FakeSelinux::FdContext(int fd, std::string *context) {
  const Object &object = objects.at(fd);
  *context = object.label;
  return object.get_errno != 0 ? object.get_errno : object.label.empty() ? ENODATA : 0;
}

int FakeSelinux::SetFdContext(int fd, const std::string &context) {
  Object &object = objects.at(fd);
  ++object.writes;
  if (object.set_errno == 0) {
    object.label = context;
  }
  return object.set_errno;
}

int FakeSelinux::RemoveFdContext(int fd) {
  return SetFdContext(fd, "");
}

int FakeSelinux::FdMode(int fd, mode_t *mode) {
  *mode = objects.at(fd).mode;
  return 0;
}

int FakeSelinux::FdFilesystem(int fd, long *magic) {
  *magic = objects.at(fd).filesystem;
  return 0;
}

int FakeSelinux::FdHasMountContext(int fd, bool *has) {
  *has = objects.at(fd).mount_context;
  return 0;
}

int FakeSelinux::DefaultContext(const std::string &path, mode_t, std::string *context) {
  const auto found = defaults.find(path);
  if (found == defaults.end()) {
    return ENOENT;
  }
  *context = found->second;
  return 0;
}

}  // namespace svirt::selinux
