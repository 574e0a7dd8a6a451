// SPDX-License-Identifier: LGPL-2.1-or-later
// Implements SelinuxApi on libselinux and the files below /proc.
#include <fcntl.h>
#include <linux/magic.h>
#include <selinux/label.h>
#include <selinux/selinux.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <mutex>

#include "mount_contexts.h"
#include "selinux_api.h"

namespace svirt::selinux {
namespace {

struct FreeCon {
  void operator()(char *context) const { freecon(context); }
};
using ConPtr = std::unique_ptr<char, FreeCon>;

// Runs a libselinux call that hands out a context and says -1 with errno if it cannot.
template <typename Call>
int TakeContext(Call call, std::string *context) {
  char *raw = nullptr;
  errno = 0;
  if (call(&raw) < 0) {
    return errno != 0 ? errno : EINVAL;
  }
  const ConPtr owner(raw);
  if (raw == nullptr) {  // the kernel has SELinux, but no policy is loaded
    return ENODATA;
  }
  *context = raw;
  return 0;
}

// Links in /proc must be the kernel's: a file system mounted over it could send a label to some
// other object (CVE-2019-16884, CVE-2025-52881).
bool IsProcfs(const std::string &path) {
  struct statfs fs {};
  return statfs(path.c_str(), &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

std::string FdPath(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

int ReadLines(const char *path, std::vector<std::string> *lines) {
  errno = 0;
  std::ifstream file(path);
  if (!file) {
    return errno != 0 ? errno : EIO;
  }
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) {
      line.pop_back();
    }
    if (!line.empty() && line.front() != '#') {
      lines->push_back(std::move(line));
    }
  }
  return file.bad() ? EIO : 0;
}

// Calls come from many threads. What is used of libselinux (3.4) takes that:
//   security_*, getfilecon_raw, setfilecon_raw: nothing is kept, each call opens what it reads
//   is_selinux_enabled: found out once, when the library is loaded
//   selinux_*_path, selinux_getpolicytype: read once, under pthread_once
//   getcon_raw, getpidcon_raw: what they remember is of the thread (__thread)
// But not these, which are locked here:
//   string_to_security_class, string_to_av_perm: one list of numbers for all threads
//   selabel_open, selabel_lookup_raw: static buffers for what the regular expressions were built
//   with (regex_version, regex_arch_string) and for what is wrong with one
std::mutex class_list_lock, file_contexts_lock;

class LibselinuxApi final : public SelinuxApi {
 public:
  bool Enabled() override { return is_selinux_enabled() > 0; }

  bool KernelRegistered() override {
    std::ifstream filesystems("/proc/filesystems");
    for (std::string word; filesystems >> word;) {
      if (word == "selinuxfs") {
        return true;
      }
    }
    return false;
  }

  int Enforcing(bool *enforcing) override {
    const int state = security_getenforce();
    if (state < 0) {
      return errno;
    }
    *enforcing = state > 0;
    return 0;
  }

  uint32_t PolicyVersion() override {
    const int version = security_policyvers();
    return version > 0 ? static_cast<uint32_t>(version) : 0;
  }

  std::string PolicyType() override {
    char *type = nullptr;
    if (selinux_getpolicytype(&type) < 0) {
      return "";
    }
    std::string text = type;
    std::free(type);
    return text;
  }

  int DomainContexts(std::vector<std::string> *lines, std::string *path) override {
    *path = selinux_virtual_domain_context_path();
    return ReadLines(path->c_str(), lines);
  }

  int ImageContexts(std::vector<std::string> *lines, std::string *path) override {
    *path = selinux_virtual_image_context_path();
    return ReadLines(path->c_str(), lines);
  }

  int CheckContext(const std::string &context) override {
    return security_check_context_raw(context.c_str()) == 0 ? 0 : errno;
  }

  int OwnContext(std::string *context) override {
    return TakeContext([](char **raw) { return getcon_raw(raw); }, context);
  }

  int ProcessContext(pid_t pid, std::string *context) override {
    const std::string path = "/proc/" + std::to_string(pid);
    if (access(path.c_str(), F_OK) != 0) {
      return errno;
    }
    if (!IsProcfs(path)) {
      return EBADF;
    }
    return TakeContext([pid](char **raw) { return getpidcon_raw(pid, raw); }, context);
  }

  bool NoNewPrivs() override { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }

  int Access(const std::string &source, const std::string &target, const char *security_class,
             const std::vector<const char *> &permissions, AccessAnswer *answer) override {
    access_vector_t wanted = 0;
    security_class_t number = 0;
    {
      const std::lock_guard<std::mutex> lock(class_list_lock);
      number = string_to_security_class(security_class);
      if (number == 0) {
        return EINVAL;
      }
      for (const char *permission : permissions) {
        const access_vector_t bit = string_to_av_perm(number, permission);
        if (bit == 0) {
          return EINVAL;
        }
        wanted |= bit;
      }
    }
    struct av_decision decision {};
    if (security_compute_av_flags_raw(source.c_str(), target.c_str(), number, wanted, &decision) <
        0) {
      return errno;
    }
    answer->allowed = (decision.allowed & wanted) == wanted;
    answer->permissive = (decision.flags & SELINUX_AVD_FLAGS_PERMISSIVE) != 0;
    return 0;
  }

  std::optional<bool> Boolean(const char *name) override {
    const int state = security_get_boolean_active(name);
    return state < 0 ? std::nullopt : std::optional<bool>(state > 0);
  }

  int FileContext(const std::string &path, std::string *context) override {
    return TakeContext([&path](char **raw) { return getfilecon_raw(path.c_str(), raw); }, context);
  }

  int FdContext(int fd, std::string *context) override {
    if (!HasProcfs()) {
      return EBADF;
    }
    return FileContext(FdPath(fd), context);
  }

  int SetFdContext(int fd, const std::string &context) override {
    if (!HasProcfs()) {
      return EBADF;
    }
    return setfilecon_raw(FdPath(fd).c_str(), context.c_str()) == 0 ? 0 : errno;
  }

  int RemoveFdContext(int fd) override {
    if (!HasProcfs()) {
      return EBADF;
    }
    return removexattr(FdPath(fd).c_str(), "security.selinux") == 0 ? 0 : errno;
  }

  int FdMode(int fd, mode_t *mode) override {
    struct stat st {};
    if (fstat(fd, &st) != 0) {
      return errno;
    }
    *mode = st.st_mode;
    return 0;
  }

  int FdFilesystem(int fd, long *magic) override {
    struct statfs fs {};
    if (fstatfs(fd, &fs) != 0) {
      return errno;
    }
    *magic = static_cast<long>(fs.f_type);
    return 0;
  }

  int FdHasMountContext(int fd, bool *has) override {
    struct statx st {};
    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) != 0) {
      return errno;
    }
    return mount_contexts_.Has(st.stx_mnt_id, has);
  }

  int DefaultContext(const std::string &path, mode_t mode, std::string *context) override {
    // Opened for each question: the administrator may load other file contexts at any time, and the
    // question is rare.
    struct Close {
      void operator()(selabel_handle *handle) const { selabel_close(handle); }
    };
    const std::lock_guard<std::mutex> lock(file_contexts_lock);
    const std::unique_ptr<selabel_handle, Close> handle(selabel_open(SELABEL_CTX_FILE, nullptr, 0));
    if (!handle) {
      return errno != 0 ? errno : EIO;
    }
    return TakeContext(
        [&](char **raw) {
          return selabel_lookup_raw(handle.get(), raw, path.c_str(), static_cast<int>(mode));
        },
        context);
  }

 private:
  // Do names below /proc/self/fd lead to our descriptors? Where they did once they do again.
  bool HasProcfs() {
    if (!has_procfs_) {
      has_procfs_ = IsProcfs("/proc/self/fd");
    }
    return has_procfs_;
  }

  MountContexts mount_contexts_;
  std::atomic<bool> has_procfs_ = false;
};

}  // namespace

std::unique_ptr<SelinuxApi> MakeLibselinuxApi() {
  return std::make_unique<LibselinuxApi>();
}

}  // namespace svirt::selinux
