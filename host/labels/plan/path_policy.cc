// SPDX-License-Identifier: LGPL-2.1-or-later
// The lists of what no domain gets, and the judgement by them.
#include "host/labels/plan/path_policy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>

namespace svirt {
namespace {

namespace fs = std::filesystem;

enum Forbidden { kAnyAccess, kWriting };

struct Tree {
  std::string_view path;  // and all below it
  Forbidden forbidden;
  std::string_view what;
};

constexpr std::string_view kConfiguration = "the machine's own configuration";
constexpr std::string_view kSecret = "a secret of the machine's accounts";
constexpr std::string_view kJobs = "where the machine keeps what it runs by the clock";
constexpr std::string_view kKernel = "an interface of the kernel";
constexpr std::string_view kPrograms = "where the machine keeps its programs";
constexpr std::string_view kPackages = "where the machine keeps the scripts of its packages";
constexpr std::string_view kBoot = "what the machine boots";
constexpr std::string_view kService = "a service that commands the machine";

constexpr Tree kTrees[] = {
    {"/etc", kAnyAccess, kConfiguration},
    {"/usr/etc", kAnyAccess, kConfiguration},
    {"/root/.ssh", kAnyAccess, kSecret},
    {"/root/.gnupg", kAnyAccess, kSecret},
    {"/var/lib/sss", kAnyAccess, kSecret},
    {"/var/lib/krb5kdc", kAnyAccess, kSecret},
    {"/var/lib/samba/private", kAnyAccess, kSecret},
    {"/var/backups", kAnyAccess, kSecret},
    {"/var/spool/cron", kAnyAccess, kJobs},
    {"/var/spool/at", kAnyAccess, kJobs},
    {"/var/spool/anacron", kAnyAccess, kJobs},
    {"/var/lib/systemd", kAnyAccess, kService},
    {"/proc", kAnyAccess, kKernel},
    {"/sys", kAnyAccess, kKernel},
    {"/dev/mem", kAnyAccess, kKernel},
    {"/dev/kmem", kAnyAccess, kKernel},
    {"/dev/port", kAnyAccess, kKernel},
    {"/dev/kcore", kAnyAccess, kKernel},
    {"/dev/core", kAnyAccess, kKernel},
    {"/dev/kmsg", kAnyAccess, kKernel},
    {"/dev/cpu", kAnyAccess, kKernel},
    {"/dev/mapper/control", kAnyAccess, kKernel},
    {"/run/systemd", kAnyAccess, kService},
    {"/run/dbus", kAnyAccess, kService},
    {"/run/udev", kAnyAccess, kService},
    {"/run/initctl", kAnyAccess, kService},
    {"/run/docker.sock", kAnyAccess, kService},
    {"/run/docker", kAnyAccess, kService},
    {"/run/containerd", kAnyAccess, kService},
    {"/run/crio", kAnyAccess, kService},
    {"/run/podman", kAnyAccess, kService},
    {"/run/libvirt/libvirt-sock", kAnyAccess, kService},
    {"/run/libvirt/libvirt-admin-sock", kAnyAccess, kService},
    {"/run/libvirt/virtqemud-sock", kAnyAccess, kService},
    {"/run/libvirt/virtqemud-admin-sock", kAnyAccess, kService},
    {"/bin", kWriting, kPrograms},
    {"/sbin", kWriting, kPrograms},
    {"/lib", kWriting, kPrograms},
    {"/lib32", kWriting, kPrograms},
    {"/lib64", kWriting, kPrograms},
    {"/libx32", kWriting, kPrograms},
    {"/usr", kWriting, kPrograms},
    {"/var/lib/dpkg", kWriting, kPackages},
    {"/var/lib/rpm", kWriting, kPackages},
    {"/boot", kWriting, kBoot},
    {"/efi", kWriting, kBoot},
    {"/vmlinuz", kWriting, kBoot},
    {"/initrd.img", kWriting, kBoot},
};

// Directories of which a single file may be a domain's, but never the whole.
constexpr std::string_view kRoots[] = {
    "/",          "/bin",     "/boot",    "/dev",      "/dev/bus",  "/dev/disk",  "/dev/mapper",
    "/dev/pts",   "/dev/shm", "/home",    "/lib",      "/lib32",    "/lib64",     "/libx32",
    "/media",     "/opt",     "/root",    "/run",      "/run/user", "/sbin",      "/srv",
    "/tmp",       "/usr",     "/usr/bin", "/usr/lib",  "/usr/sbin", "/usr/local", "/var",
    "/var/cache", "/var/lib", "/var/log", "/var/mail", "/var/run",  "/var/spool", "/var/tmp"};

// Where people keep what opens other doors, in whatever directory.
constexpr std::string_view kSecretNames[] = {".ssh", ".gnupg"};

// Where host devices are controlled; the manifest names them for those alone.
constexpr std::string_view kDeviceTrees[] = {"/sys/bus", "/sys/class", "/sys/devices"};

// Every file of these is the kernel's word, wherever they are mounted.
constexpr std::string_view kKernelFileSystems[] = {
    "proc",     "sysfs", "cgroup", "cgroup2", "debugfs",     "tracefs", "securityfs", "efivarfs",
    "configfs", "bpf",   "pstore", "fusectl", "binfmt_misc", "nfsd",    "rpc_pipefs"};

// Character devices of the kernel itself, by number (admin-guide/devices.txt).
struct KernelDevice {
  unsigned major, minor;
  std::string_view name;
};
constexpr unsigned kAnyMinor = ~0u;
constexpr KernelDevice kKernelDevices[] = {{1, 1, "mem"},
                                           {1, 2, "kmem"},
                                           {1, 4, "port"},
                                           {1, 6, "core"},
                                           {1, 11, "kmsg"},
                                           {10, 130, "watchdog"},
                                           {10, 144, "nvram"},
                                           {10, 184, "microcode"},
                                           {10, 203, "cuse"},
                                           {10, 223, "uinput"},
                                           {10, 227, "mcelog"},
                                           {10, 231, "snapshot"},
                                           {10, 234, "btrfs-control"},
                                           {10, 235, "autofs"},
                                           {10, 236, "mapper/control"},
                                           {10, 237, "loop-control"},
                                           {10, 239, "uhid"},
                                           {202, kAnyMinor, "cpu/*/msr"}};

struct FreePath {
  void operator()(char *p) const { std::free(p); }
};

// "" if nothing is there.
std::string RealPath(const std::string &path) {
  const std::unique_ptr<char, FreePath> real(::realpath(path.c_str(), nullptr));
  return real ? real.get() : "";
}

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

// Each path, and where it really is.
std::vector<std::string> BothWays(const std::vector<std::string> &paths) {
  std::vector<std::string> both;
  for (const std::string &path : paths) {
    both.push_back(WithoutSlash(fs::path(path).lexically_normal().string()));
    if (std::string real = RealPath(path); !real.empty() && real != both.back()) {
      both.push_back(std::move(real));
    }
  }
  return both;
}

bool IsWithinAny(std::string_view path, const std::vector<std::string> &directories) {
  return std::ranges::any_of(directories,
                             [path](const std::string &each) { return IsWithin(path, each); });
}

void AddFile(const fs::path &path, std::set<std::pair<dev_t, ino_t>> *files) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) == 0) {
    files->emplace(st.st_dev, st.st_ino);
  }
}

// Of all files there but those below except, as far as this user may look: nobody links to a file
// that he cannot reach.
void AddTree(const std::string &path, const std::vector<std::string> &except,
             std::set<std::pair<dev_t, ino_t>> *files) {
  AddFile(path, files);
  std::error_code error;
  fs::recursive_directory_iterator walk(path, fs::directory_options::skip_permission_denied, error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    if (IsWithinAny(walk->path().native(), except)) {
      walk.disable_recursion_pending();
    } else {
      AddFile(walk->path(), files);
    }
  }
}

bool HasSecretName(const fs::path &path) {
  return std::ranges::any_of(path, [](const fs::path &part) {
    return std::ranges::find(kSecretNames, part.native()) != std::end(kSecretNames);
  });
}

std::string_view KernelDeviceName(dev_t number) {
  for (const KernelDevice &device : kKernelDevices) {
    if (device.major == major(number) &&
        (device.minor == kAnyMinor || device.minor == minor(number))) {
      return device.name;
    }
  }
  return "";
}

// Where a path that leads to nothing would lead.
struct Place {
  OpenObject directory;
  std::string name;
};
std::optional<Place> PlaceOf(const std::string &path) {
  const fs::path asked(path);
  const std::string parent = RealPath(asked.parent_path());
  auto directory = parent.empty() ? Error{Errc::kNotFound, path} : OpenExactly(-1, parent);
  if (!directory.ok()) {
    return std::nullopt;
  }
  return Place{std::move(*directory), asked.filename()};
}

std::string Below(const std::string &directory, const std::string &name) {
  return (directory == "/" ? "" : directory) + "/" + name;
}

}  // namespace

bool IsListed(const std::vector<std::string> &list, std::string_view path) {
  return std::ranges::any_of(list, [path](const std::string &each) {
    return each.ends_with('/') ? IsWithin(path, WithoutSlash(each)) : path == each;
  });
}

Result<PathPolicy> PathPolicy::Prepare(const PathRules &rules) {
  SVIRT_ASSIGN(MountTable mounts, MountTable::Read());
  PathPolicy policy(std::move(mounts));
  policy.allowed_ = rules.allowed;
  std::ranges::copy_if(rules.allowed, std::back_inserter(policy.allowed_trees_),
                       [](const std::string &path) { return path.ends_with('/'); });
  policy.own_ = BothWays(rules.own);
  policy.given_ = BothWays(rules.given);
  return policy;
}

bool PathPolicy::IsAllowed(const Question &question) const {
  // One path is not all that is below it.
  return IsListed(question.tree ? allowed_trees_ : allowed_, question.path);
}

PathPolicy::Reason PathPolicy::WhyOwn(const Question &question) const {
  for (const std::string &own : own_) {
    if (question.path == own) {
      return {"svirt's own", true};
    }
    if (IsWithin(question.path, own) && !IsWithinAny(question.path, given_)) {
      return {"below " + own + ", which is svirt's own", true};
    }
    if (question.tree && IsWithin(own, question.path)) {
      return {"above " + own + ", which is svirt's own", true};
    }
  }
  return {};
}

PathPolicy::Reason PathPolicy::WhyListed(const Question &question) const {
  if (IsAllowed(question)) {
    return {};
  }
  if (question.tree && std::ranges::find(kRoots, question.path) != std::end(kRoots)) {
    return {"a directory of the whole machine"};
  }
  for (const Tree &tree : kTrees) {
    // A directory that holds a forbidden one is forbidden, too.
    const bool inside = IsWithin(question.path, tree.path);
    const bool above = question.tree && IsWithin(tree.path, question.path);
    if ((inside || above) && (tree.forbidden == kAnyAccess || question.writes) &&
        !question.device) {
      const std::string what =
          std::string(tree.what) +
          (tree.forbidden == kWriting ? " and may only be read" : std::string());
      return {inside ? what : "above " + std::string(tree.path) + ", which is " + what};
    }
  }
  if (HasSecretName(question.path)) {
    return {std::string(kSecret)};
  }
  for (const std::string_view name : kSecretNames) {
    const std::string inside = Below(question.path, std::string(name));
    if (question.tree && ::faccessat(AT_FDCWD, inside.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
      return {"above " + inside + ", which is " + std::string(kSecret)};
    }
  }
  return {};
}

PathPolicy::Reason PathPolicy::WhyPath(const Question &question) const {
  Reason reason = WhyOwn(question);
  return reason ? reason : WhyListed(question);
}

PathPolicy::Reason PathPolicy::WhyMounted(const Question &question, const Mount &mount) const {
  const bool is_kernel =
      std::ranges::find(kKernelFileSystems, mount.type) != std::end(kKernelFileSystems);
  if (is_kernel && !question.device && !IsAllowed(question)) {
    return {std::string(kKernel) + " (a file system of type " + mount.type + ")"};
  }
  for (const std::string &path : mounts_.OtherPaths(mount, question.path)) {
    Question other = question;
    other.path = path;
    const Reason reason = IsAllowed(question) ? WhyOwn(other) : WhyPath(other);
    if (reason) {
      return reason.Behind("also " + path + ", which is ");
    }
  }
  return {};
}

// What is mounted in a directory comes with it.
PathPolicy::Reason PathPolicy::WhyBelow(const Question &question) const {
  for (const Mount *mount : mounts_.Below(question.path)) {
    Question inner = question;
    inner.path = mount->point;
    if (const Reason reason = WhyMounted(inner, *mount)) {
      return reason.Behind("above " + mount->point + ", which is ");
    }
  }
  return {};
}

const std::set<std::pair<dev_t, ino_t>> &PathPolicy::OwnFiles() {
  if (!own_files_) {
    own_files_.emplace();
    for (const std::string &path : own_) {
      AddTree(path, given_, &*own_files_);
    }
  }
  return *own_files_;
}

const std::set<std::pair<dev_t, ino_t>> &PathPolicy::SystemFiles() {
  if (!system_files_) {
    system_files_.emplace();
    for (const Tree &tree : kTrees) {
      if (tree.what == kConfiguration || tree.what == kSecret || tree.what == kJobs) {
        AddTree(std::string(tree.path), {}, &*system_files_);
      }
    }
  }
  return *system_files_;
}

// What an object is, by whatever path.
PathPolicy::Reason PathPolicy::WhyFile(const Question &question, const OpenObject &object) {
  const bool allowed = IsAllowed(question);
  if (object.type == ObjectType::kChar && !allowed) {
    if (const std::string_view name = KernelDeviceName(object.device); !name.empty()) {
      return {std::string(kKernel) + " (the device " + std::string(name) + ")"};
    }
  }
  if (object.type != ObjectType::kFile || object.links < 2) {
    return {};
  }
  const std::pair<dev_t, ino_t> file(object.id.dev, object.id.ino);
  if (OwnFiles().contains(file)) {
    return {"another name of a file that is svirt's own", true};
  }
  if (!allowed && SystemFiles().contains(file)) {
    return {"another name of a file that is " + std::string(kConfiguration)};
  }
  return {};
}

Result<const Mount *> PathPolicy::MountOf(const OpenObject &object) const {
  const Mount *mount = mounts_.Find(object.mount);
  if (mount == nullptr) {
    return Error{Errc::kConflict,
                 "cannot tell what " + object.path +
                     " is: it is on a mount that this process does not see; if mounts have just "
                     "changed, try again; the root of a chroot has to be a mount of its own (mount "
                     "--bind ROOT ROOT)"};
  }
  return mount;
}

Result<PathPolicy::Reason> PathPolicy::WhyRefused(const Resource &resource,
                                                  const OpenObject *object) {
  const auto ask = [&resource](const std::string &path) {
    Question question{.path = path,
                      .tree = resource.subtree,
                      .writes = (resource.access & (kAccessWrite | kAccessCreate)) != 0};
    const bool is_device =
        resource.kind == ResourceKind::kHostdev || resource.kind == ResourceKind::kTpm;
    question.device = is_device && !question.tree &&
                      std::ranges::any_of(kDeviceTrees, [&path](std::string_view tree) {
                        return IsWithin(path, tree);
                      });
    return question;
  };
  if (Reason reason = WhyPath(ask(resource.path))) {
    return reason;
  }
  const std::optional<Place> place =
      object == nullptr ? PlaceOf(resource.path) : std::optional<Place>();
  if (object == nullptr && !place) {
    return Reason();  // not even its directory is there
  }
  const Question real =
      ask(object != nullptr ? object->path : Below(place->directory.path, place->name));
  if (const Reason reason = WhyPath(real)) {
    return reason.Behind("a way to " + real.path + ", which is ");
  }
  if (Reason reason = object != nullptr ? WhyFile(real, *object) : Reason()) {
    return reason;
  }
  SVIRT_ASSIGN(const Mount *const mount, MountOf(object != nullptr ? *object : place->directory));
  Reason reason = WhyMounted(real, *mount);
  return reason || !real.tree ? reason : WhyBelow(real);
}

Status PathPolicy::Judge(const Resource &resource, const OpenObject *object) {
  SVIRT_ASSIGN(const Reason reason, WhyRefused(resource, object));
  if (reason) {
    (reason.own ? refuses_own_ : refuses_listed_) = true;
    refusals_.push_back(ResourceName(resource) + " is " + reason.what);
  }
  return {};
}

void PathPolicy::JudgeBelow(const Resource &tree, const OpenObject &below) {
  if (below.type != ObjectType::kFile || below.links < 2) {
    return;
  }
  const Question question{.path = Below(tree.path, below.path)};
  if (const Reason reason = WhyFile(question, below)) {
    (reason.own ? refuses_own_ : refuses_listed_) = true;
    refusals_.push_back(ResourceName(tree) + " is above " + question.path + ", which is " +
                        reason.what);
  }
}

Status PathPolicy::Verdict() const {
  if (refusals_.empty()) {
    return {};
  }
  std::string sentence;
  for (const std::string &refusal : refusals_) {
    sentence += (sentence.empty() ? "" : "; ") + refusal;
  }
  sentence = "no domain gets what is the machine's: " + sentence + ". Use other paths";
  if (refuses_listed_) {
    sentence += ", or list them in allow_paths, [confinement] of svirt.conf";
  }
  if (refuses_own_) {
    sentence += "; nothing allows svirt's own files";
  }
  return Error{Errc::kRefused, sentence};
}

}  // namespace svirt
