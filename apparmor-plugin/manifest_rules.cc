// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns each resource into a rule, on the path by which the kernel knows the object.
#include "manifest_rules.h"

#include <svirt/sdk.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace svirt::apparmor {

namespace {

struct Letter {
  uint32_t permission;
  const char *letters;
};

constexpr Letter kLetters[] = {{kMayRead, "r"}, {kMayWrite, "w"}, {kMayLink, "l"},
                               {kMayLock, "k"}, {kMayMap, "m"},   {kMayExec, "ix"}};

struct FreePath {
  void operator()(char *p) const { std::free(p); }
};

std::string RealPath(const std::string &path) {
  const std::unique_ptr<char, FreePath> real(::realpath(path.c_str(), nullptr));
  return real ? real.get() : "";
}

// What the kernel calls the object behind an O_PATH descriptor; "" if that is not a path that leads
// to it (unlinked, or out of this process's sight).
std::string PathOfFd(int fd) {
  char path[PATH_MAX + 1];
  const ssize_t size =
      ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  if (size <= 0 || static_cast<size_t>(size) == sizeof path || path[0] != '/') {
    return "";
  }
  std::string found(path, static_cast<size_t>(size));
  struct stat mine {
  }, there{};
  if (::fstat(fd, &mine) != 0 || ::lstat(found.c_str(), &there) != 0 ||
      mine.st_dev != there.st_dev || mine.st_ino != there.st_ino) {
    return "";
  }
  return found;
}

bool IsDirectory(const svirt_resource &resource) {
  return resource.object == SVIRT_OBJ_DIR || (resource.flags & SVIRT_RES_SUBTREE) != 0;
}

bool IsLockable(const svirt_resource &resource) {
  if (resource.kind == SVIRT_RES_LOG || resource.kind == SVIRT_RES_EMULATOR) {
    return false;
  }
  return resource.object == SVIRT_OBJ_ANY || resource.object == SVIRT_OBJ_FILE ||
         resource.object == SVIRT_OBJ_BLOCK || resource.object == SVIRT_OBJ_DIR;
}

uint32_t AccessOf(const svirt_resource &resource) {
  uint32_t permissions = 0;
  if ((resource.access & SVIRT_ACCESS_READ) != 0) {
    permissions |= kMayRead;
  }
  if ((resource.access & (SVIRT_ACCESS_WRITE | SVIRT_ACCESS_CREATE)) != 0) {
    // A log is appended to; what stands in it already is not the guest's to change.
    permissions |= resource.kind == SVIRT_RES_LOG && (resource.access & SVIRT_ACCESS_READ) == 0
                       ? kMayAppend
                       : kMayWrite;
  }
  if ((resource.access & SVIRT_ACCESS_EXEC) != 0) {
    // The emulator is entered from outside the profile, which takes no right to execute it within.
    permissions |= resource.kind == SVIRT_RES_EMULATOR ? kMayMap : kMayMap | kMayExec;
  }
  // QEMU locks images, also those that it only reads.
  if (IsLockable(resource) && (permissions & (kMayRead | kMayWrite)) != 0) {
    permissions |= kMayLock;
  }
  return permissions;
}

}  // namespace

std::string KernelPath(const svirt_resource &resource) {
  if ((resource.flags & SVIRT_RES_REAL_PATH) != 0) {
    return resource.path;
  }
  std::string path = resource.fd >= 0 ? PathOfFd(resource.fd) : "";
  if (path.empty()) {
    path = RealPath(resource.path);
  }
  if (!path.empty()) {
    return path;
  }
  const std::filesystem::path asked(resource.path);
  const std::string parent = RealPath(asked.parent_path());
  return (parent.empty() ? asked : std::filesystem::path(parent) / asked.filename())
      .lexically_normal();
}

std::vector<FileRule> ResourceRules(const svirt_resource &resource) {
  const uint32_t permissions = AccessOf(resource);
  if (permissions == 0 || resource.kind == SVIRT_RES_HELPER_STATE) {
    return {};
  }
  std::string path = KernelPath(resource);
  if (!IsDirectory(resource)) {
    std::vector<FileRule> rules{{path, false, permissions}};
    if (path == "/dev/ptmx" || path == "/dev/pts/ptmx") {
      // Which terminal it will be is not known before it is there.
      rules.push_back({"/dev/pts/", true, kMayRead | kMayWrite});
    }
    return rules;
  }
  if (!path.ends_with('/')) {
    path += '/';
  }
  // Of the directory itself: its list.
  std::vector<FileRule> rules{{path, false, permissions & (kMayRead | kMayWrite)}};
  if ((resource.flags & SVIRT_RES_SUBTREE) != 0) {
    const bool links = resource.kind == SVIRT_RES_SHARE && (permissions & kMayWrite) == kMayWrite;
    rules.push_back({path, true, permissions | (links ? uint32_t{kMayLink} : 0)});
  }
  return rules;
}

svirt_status DomainRules(const svirt_domain &domain, std::vector<FileRule> *rules,
                         svirt_error *error) {
  rules->clear();
  for (const svirt_resource &resource : sdk::Resources(domain)) {
    if (resource.path == nullptr || resource.path[0] != '/') {
      return sdk::Fail(error, SVIRT_E_INVALID, 0, "the path of a resource is not absolute: %s",
                       resource.path != nullptr ? resource.path : "(none)");
    }
    if (resource.override_label != nullptr) {
      return sdk::Fail(error, SVIRT_E_INVALID, 0,
                       "%s cannot have the label '%s': AppArmor labels no objects; remove the "
                       "label from the device, or give it a model",
                       resource.path, resource.override_label);
    }
    for (FileRule &rule : ResourceRules(resource)) {
      rules->push_back(std::move(rule));
    }
  }
  if (domain.emulator != nullptr && domain.emulator[0] == '/') {
    svirt_resource emulator{};
    emulator.fd = -1;
    emulator.path = domain.emulator;
    rules->push_back({KernelPath(emulator), false, kMayRead | kMayMap});
  }
  *rules = Merge(std::move(*rules));
  return SVIRT_OK;
}

std::string PermissionLetters(uint32_t permissions) {
  std::string letters;
  for (const Letter &letter : kLetters) {
    if ((permissions & letter.permission) == letter.permission) {
      letters += letter.letters;
    }
  }
  if ((permissions & kMayWrite) == kMayAppend) {
    letters += 'a';
  }
  return letters;
}

}  // namespace svirt::apparmor
