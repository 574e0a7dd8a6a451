// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads signals, limits, environment, descriptors and more of this process.
#include "host/loader/process_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <clocale>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>

namespace svirt {
namespace {

// Names in a directory of /proc/self, without . and ..
std::vector<std::string> List(const char *directory) {
  std::vector<std::string> names;
  const auto close_dir = [](DIR *dir) { closedir(dir); };
  const std::unique_ptr<DIR, decltype(close_dir)> dir(opendir(directory), close_dir);
  while (dir != nullptr) {
    const dirent *entry = readdir(dir.get());
    if (entry == nullptr) {
      break;
    }
    if (entry->d_name[0] != '.') {
      names.emplace_back(entry->d_name);
    }
  }
  return names;
}

std::string DescribeSignals() {
  std::string text;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) != 0) {
      continue;
    }
    // Both members of the union at once, as a number that can be compared.
    const auto handler = reinterpret_cast<uintptr_t>(action.sa_handler);
    if (handler != 0) {
      text += std::to_string(signal) + ":" +
              (action.sa_handler == SIG_IGN ? "ignored" : std::to_string(handler)) + " ";
    }
  }
  return text.empty() ? "default" : text;
}

std::string DescribeSignalMask() {
  sigset_t mask;
  sigemptyset(&mask);
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  std::string text;
  for (int signal = 1; signal < NSIG; ++signal) {
    if (sigismember(&mask, signal) == 1) {
      text += std::to_string(signal) + " ";
    }
  }
  return text.empty() ? "empty" : text;
}

std::string WorkingDirectory() {
  std::array<char, PATH_MAX> path{};
  return getcwd(path.data(), path.size()) != nullptr ? path.data() : "unreachable";
}

std::string Umask() {
  const mode_t mask = umask(077);
  umask(mask);
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%03o", static_cast<unsigned>(mask));
  return text.data();
}

std::string Limits() {
  std::string text;
  for (const auto resource : {RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE,
                              RLIMIT_MEMLOCK, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_STACK}) {
    struct rlimit limit {};
    getrlimit(resource, &limit);
    text += std::to_string(limit.rlim_cur) + "/" + std::to_string(limit.rlim_max) + " ";
  }
  return text;
}

std::string Credentials() {
  uid_t real = 0, effective = 0, saved = 0;
  gid_t real_group = 0, effective_group = 0, saved_group = 0;
  getresuid(&real, &effective, &saved);
  getresgid(&real_group, &effective_group, &saved_group);
  std::string text;
  for (const unsigned id : {real, effective, saved, real_group, effective_group, saved_group}) {
    text += std::to_string(id) + " ";
  }
  return text;
}

// A digest: values of the environment do not belong into messages.
std::string Environment() {
  std::string all;
  for (char **entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    all += *entry;
    all.push_back('\0');
  }
  return std::to_string(std::hash<std::string>()(all));
}

std::string InheritableDescriptors() {
  std::string text;
  for (const std::string &name : List("/proc/self/fd")) {
    const int flags = fcntl(std::atoi(name.c_str()), F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) {
      text += name + " ";
    }
  }
  return text;
}

}  // namespace

ProcessState CaptureProcessState() {
  const char *locale = std::setlocale(LC_ALL, nullptr);
  return {
      {"changes the working directory", WorkingDirectory()},
      {"changes the umask", Umask()},
      {"changes signal dispositions", DescribeSignals()},
      {"changes the signal mask", DescribeSignalMask()},
      {"changes the locale", locale != nullptr ? locale : ""},
      {"changes the environment", Environment()},
      {"changes resource limits", Limits()},
      {"changes credentials", Credentials()},
      {"leaves descriptors open that are not close-on-exec", InheritableDescriptors()},
      {"leaves threads running", std::to_string(List("/proc/self/task").size())},
  };
}

std::vector<std::string> CompareProcessState(const ProcessState &before,
                                             const ProcessState &after) {
  std::vector<std::string> differences;
  for (const auto &[what, value] : before) {
    const auto now = after.find(what);
    if (now != after.end() && now->second != value) {
      differences.push_back(what + " (from \"" + value + "\" to \"" + now->second + "\")");
    }
  }
  return differences;
}

size_t CountDescriptors() {
  return List("/proc/self/fd").size();
}

}  // namespace svirt
