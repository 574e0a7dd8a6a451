// SPDX-License-Identifier: LGPL-2.1-or-later
// Implements AppArmorApi on libapparmor and the kernel's own files.
#include <dirent.h>
#include <fcntl.h>
#include <svirt/sdk_fd.h>
#include <sys/apparmor.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "apparmor_api.h"

namespace svirt::apparmor {

namespace {

struct Free {
  void operator()(char *p) const { std::free(p); }
};
struct Unref {
  void operator()(aa_features *p) const { ::aa_features_unref(p); }
  void operator()(aa_kernel_interface *p) const { ::aa_kernel_interface_unref(p); }
};
struct CloseDir {
  void operator()(DIR *p) const { ::closedir(p); }
};
using Text = std::unique_ptr<char, Free>;
using Directory = std::unique_ptr<DIR, CloseDir>;

// errno of a call that has failed; never 0.
int Errno() {
  return errno != 0 ? errno : EIO;
}

int ReadAll(const std::string &path, std::string *text) {
  const sdk::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return Errno();
  }
  text->clear();
  std::array<char, 65536> chunk;
  for (;;) {
    const ssize_t size = ::read(fd.get(), chunk.data(), chunk.size());
    if (size < 0) {
      return Errno();
    }
    if (size == 0) {
      return 0;
    }
    text->append(chunk.data(), static_cast<size_t>(size));
  }
}

// Of a call that looks for the kernel's interface. The library says ENOENT where it cannot even
// read the list of mounts; that must not pass for a profile that is not there.
int InterfaceErrno() {
  return Errno() == ENOENT ? ENODEV : Errno();
}

int Mountpoint(std::string *path) {
  char *found = nullptr;
  errno = 0;
  if (::aa_find_mountpoint(&found) != 0) {
    return InterfaceErrno();
  }
  *path = Text(found).get();
  return 0;
}

class KernelApi : public AppArmorApi {
 public:
  int Enabled() override {
    errno = 0;
    return ::aa_is_enabled() == 1 ? 0 : Errno();
  }

  int Load(std::string_view image) override {
    return WithInterface([image](aa_kernel_interface *kernel) {
      return ::aa_kernel_interface_replace_policy(kernel, image.data(), image.size());
    });
  }

  int Remove(const std::string &name) override {
    return WithInterface([&name](aa_kernel_interface *kernel) {
      return ::aa_kernel_interface_remove_policy(kernel, name.c_str());
    });
  }

  int Profiles(std::vector<LoadedProfile> *profiles) override {
    std::string mountpoint, text;
    int error = Mountpoint(&mountpoint);
    if (error == 0) {
      error = ReadAll(mountpoint + "/profiles", &text);
    }
    if (error != 0) {
      return error;
    }
    profiles->clear();
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, end - at);
      // A name may have blanks and brackets of its own.
      const size_t mode = line.rfind(" (");
      if (mode != std::string::npos && line.back() == ')') {
        profiles->push_back({line.substr(0, mode), line.substr(mode + 2, line.size() - mode - 3)});
      }
      at = end + 1;
    }
    return 0;
  }

  int ProcessLabel(pid_t pid, std::string *label, std::string *mode) override {
    char *text = nullptr, *kind = nullptr;  // kind points into text
    errno = 0;
    if (::aa_gettaskcon(pid, &text, &kind) < 0) {
      return Errno();
    }
    const Text owned(text);
    *label = text;
    *mode = kind != nullptr ? kind : "";
    return 0;
  }

  int ProcessesUnder(const std::string &name, std::vector<pid_t> *pids) override {
    pids->clear();
    const Directory proc(::opendir("/proc"));
    if (!proc) {
      return Errno();
    }
    for (const dirent *entry; (entry = ::readdir(proc.get())) != nullptr;) {
      const std::string_view digits(entry->d_name);
      pid_t pid = 0;
      const auto read = std::from_chars(digits.begin(), digits.end(), pid);
      std::string label, mode;
      // A process that is gone meanwhile is no obstacle.
      if (read.ec == std::errc() && read.ptr == digits.end() && HasMemory(pid) &&
          ProcessLabel(pid, &label, &mode) == 0 && LabelHas(label, name)) {
        pids->push_back(pid);
      }
    }
    return 0;
  }

  bool HasOwnAttributes() override { return ::access("/proc/self/attr/apparmor/exec", F_OK) == 0; }

 private:
  // A zombie does nothing any more, and neither does a kernel thread.
  static bool HasMemory(pid_t pid) {
    std::string stat;
    if (ReadAll("/proc/" + std::to_string(pid) + "/stat", &stat) != 0) {
      return false;
    }
    const size_t state = stat.rfind(") ");
    return state != std::string::npos && stat[state + 2] != 'Z' && stat[state + 2] != 'X';
  }

  template <typename Call>
  static int WithInterface(Call call) {
    std::string mountpoint;
    if (const int error = Mountpoint(&mountpoint); error != 0) {
      return error;
    }
    // The library needs one of the kernel's features, and would read all of them, some hundred
    // files, to find out.
    const bool sets = ::access((mountpoint + "/features/policy/set_load").c_str(), F_OK) == 0;
    const std::string text = sets ? "policy {set_load {yes\n}\n}\n" : "policy {\n}\n";
    aa_features *features = nullptr;
    if (::aa_features_new_from_string(&features, text.c_str(), text.size()) != 0) {
      return Errno();
    }
    const std::unique_ptr<aa_features, Unref> owned_features(features);
    aa_kernel_interface *kernel = nullptr;
    if (::aa_kernel_interface_new(&kernel, features, mountpoint.c_str()) != 0) {
      return InterfaceErrno();
    }
    const std::unique_ptr<aa_kernel_interface, Unref> owned_kernel(kernel);
    errno = 0;
    return call(kernel) == 0 ? 0 : Errno();
  }
};

}  // namespace

std::unique_ptr<AppArmorApi> MakeKernelApi() {
  return std::make_unique<KernelApi>();
}

}  // namespace svirt::apparmor
