// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dangerous_path.h"

#include <algorithm>
#include <filesystem>

#include "manifest_rules.h"

namespace svirt::apparmor {

namespace {

enum Forbidden { kAnyAccess, kWriting };

struct Tree {
  std::string_view path;  // and all below it
  Forbidden forbidden;
};

constexpr Tree kTrees[] = {
    {"/etc", kAnyAccess},       {"/proc", kAnyAccess},
    {"/sys", kAnyAccess},       {"/dev/mem", kAnyAccess},
    {"/dev/kmem", kAnyAccess},  {"/dev/port", kAnyAccess},
    {"/dev/kcore", kAnyAccess}, {"/dev/kmsg", kAnyAccess},
    {"/dev/core", kAnyAccess},  {"/dev/mapper/control", kAnyAccess},
    {"/root/.ssh", kAnyAccess}, {"/bin", kWriting},
    {"/boot", kWriting},        {"/initrd.img", kWriting},
    {"/lib", kWriting},         {"/lib32", kWriting},
    {"/lib64", kWriting},       {"/libx32", kWriting},
    {"/sbin", kWriting},        {"/usr", kWriting},
    {"/vmlinuz", kWriting},
};

// Directories of which a single file may be a domain's, but never the whole.
constexpr std::string_view kRoots[] = {
    "/",        "/dev",       "/home",    "/root",       "/run",      "/tmp",
    "/var",     "/var/cache", "/var/lib", "/var/log",    "/var/run",  "/var/spool",
    "/var/tmp", "/dev/pts",   "/dev/shm", "/dev/mapper", "/dev/disk", "/dev/bus"};

// Where host devices are controlled; the manifest names them for those alone.
constexpr std::string_view kDeviceTrees[] = {"/sys/bus", "/sys/class", "/sys/devices"};

bool IsWithin(std::string_view path, std::string_view directory) {
  if (directory == "/") {
    return true;
  }
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

std::string ParentOf(const std::string &path) {
  return std::filesystem::path(path).parent_path();
}

bool IsHostDevice(const svirt_resource &resource, std::string_view path) {
  const bool kind = resource.kind == SVIRT_RES_HOSTDEV || resource.kind == SVIRT_RES_TPM;
  return kind && (resource.flags & SVIRT_RES_SUBTREE) == 0 &&
         std::any_of(std::begin(kDeviceTrees), std::end(kDeviceTrees),
                     [path](std::string_view tree) { return IsWithin(path, tree); });
}

}  // namespace

DangerousPaths::DangerousPaths(const svirt_domain &domain,
                               const std::vector<svirt_resource> &resources,
                               const std::vector<std::string> &allowed)
    : allowed_(allowed),
      uuid_(domain.uuid != nullptr ? domain.uuid : ""),
      run_parents_{"/run/svirt/domains"} {
  for (const svirt_resource &resource : resources) {
    if (resource.kind == SVIRT_RES_RUNDIR && resource.path != nullptr) {
      own_.push_back(WithoutSlash(KernelPath(resource)));
      run_parents_.push_back(ParentOf(own_.back()));
    }
  }
}

bool DangerousPaths::IsAllowed(std::string_view path, bool subtree) const {
  return std::any_of(allowed_.begin(), allowed_.end(), [&](const std::string &allowed) {
    if (allowed.ends_with('/')) {
      return IsWithin(path, std::string_view(allowed).substr(0, allowed.size() - 1));
    }
    return !subtree && path == allowed;
  });
}

std::string DangerousPaths::WhyPathRefused(const svirt_resource &resource,
                                           const std::string &path) const {
  const bool subtree = (resource.flags & SVIRT_RES_SUBTREE) != 0;
  const bool writes = (resource.access & (SVIRT_ACCESS_WRITE | SVIRT_ACCESS_CREATE)) != 0;
  if (IsAllowed(path, subtree)) {
    return "";
  }
  const std::string mend =
      "; use another path, or list it in allow_paths, [model apparmor] of svirt.conf";
  if (subtree) {
    for (const std::string_view root : kRoots) {
      if (path == root) {
        return "a domain may not have all of " + path + mend;
      }
    }
  }
  for (const Tree &tree : kTrees) {
    // A directory that holds a forbidden one is forbidden, too.
    const bool touches = IsWithin(path, tree.path) || (subtree && IsWithin(tree.path, path));
    if (!touches || (tree.forbidden == kWriting && !writes) || IsHostDevice(resource, path)) {
      continue;
    }
    return "a domain may not " + std::string(writes ? "write " : "read ") + path + ", which is " +
           "the host's own" + mend;
  }
  if (resource.kind == SVIRT_RES_RUNDIR) {
    return "";
  }
  for (const std::string &parent : run_parents_) {
    const bool touches = IsWithin(path, parent) || (subtree && IsWithin(parent, path));
    const bool own = IsWithin(path, parent + "/" + uuid_) ||
                     std::any_of(own_.begin(), own_.end(),
                                 [&](const std::string &dir) { return IsWithin(path, dir); });
    if (touches && !own && parent != "/") {
      return path + " is among the run directories of other domains" + mend;
    }
  }
  return "";
}

std::string DangerousPaths::WhyRefused(const svirt_resource &resource) const {
  const std::string written =
      WithoutSlash(std::filesystem::path(resource.path).lexically_normal().string());
  if (std::string why = WhyPathRefused(resource, written); !why.empty()) {
    return why;
  }
  const std::string real = WithoutSlash(KernelPath(resource));
  if (real == written) {
    return "";
  }
  const std::string why = WhyPathRefused(resource, real);
  return why.empty() ? "" : std::string(resource.path) + " leads elsewhere: " + why;
}

}  // namespace svirt::apparmor
