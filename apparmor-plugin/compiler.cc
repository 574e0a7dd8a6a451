// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs apparmor_parser with its input and output in memory, within a time and a size.
#include "compiler.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <svirt/sdk.h>
#include <svirt/sdk_fd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "policy/shared_policy.h"

namespace svirt::apparmor {

namespace {

constexpr int kTimeoutMs = 30000;
constexpr off_t kMostOutput = off_t{64} << 20;
constexpr int kFeaturesFd = 3;

using sdk::Fail;
using sdk::Fd;

// A file in memory, at its start. Empty Fd: errno says why.
Fd MemoryFile(const char *name, std::string_view content) {
  Fd fd(::memfd_create(name, MFD_CLOEXEC));
  while (fd && !content.empty()) {
    const ssize_t written = ::write(fd.get(), content.data(), content.size());
    if (written <= 0) {
      return Fd();
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  if (fd && ::lseek(fd.get(), 0, SEEK_SET) != 0) {
    return Fd();
  }
  return fd;
}

std::string Content(int fd, off_t most) {
  struct stat st {};
  if (::fstat(fd, &st) != 0 || st.st_size > most) {
    return "";
  }
  std::string content(static_cast<size_t>(st.st_size), '\0');
  const ssize_t size = ::pread(fd, content.data(), content.size(), 0);
  content.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return content;
}

// Everything that posix_spawn takes, given back at the end.
class SpawnSettings {
 public:
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings &) = delete;
  SpawnSettings &operator=(const SpawnSettings &) = delete;

  int Set(const int (&fds)[4]) {
    int error = 0;
    for (int to = 0; to < 4 && error == 0; ++to) {
      error = ::posix_spawn_file_actions_adddup2(&actions_, fds[to], to);
    }
    if (error == 0) {
      error = ::posix_spawn_file_actions_addclosefrom_np(&actions_, kFeaturesFd + 1);
    }
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    if (error == 0) {
      error = ::posix_spawnattr_setsigmask(&attributes_, &none);
    }
    if (error == 0) {
      error = ::posix_spawnattr_setsigdefault(&attributes_, &all);
    }
    return error != 0 ? error
                      : ::posix_spawnattr_setflags(&attributes_,
                                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }

  int Spawn(pid_t *pid, const std::string &program, char *const argv[]) {
    char locale[] = "LC_ALL=C";
    char *const env[] = {locale, nullptr};
    return ::posix_spawn(pid, program.c_str(), &actions_, &attributes_, argv, env);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// True: it ended by itself, with status 0.
bool WaitFor(pid_t pid) {
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd item{pidfd.get(), POLLIN, 0};
  if (pidfd && ::poll(&item, 1, kTimeoutMs) != 1) {
    ::kill(pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      // A host that ignores SIGCHLD: then the output has to tell.
      return errno == ECHILD;
    }
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The parser's words as one line.
std::string OneLine(const std::string &words) {
  std::string line;
  for (const char c : words) {
    if (c != '\n') {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (line.ends_with(' ')) {
    line.pop_back();
  }
  return line.substr(0, 600);
}

}  // namespace

std::string FindParser() {
  for (const char *path : {"/usr/sbin/apparmor_parser", "/sbin/apparmor_parser"}) {
    if (::access(path, X_OK) == 0) {
      return path;
    }
  }
  return "";
}

svirt_status Compile(const std::string &parser, std::string_view text, std::string *image,
                     svirt_error *error) {
  if (parser.empty()) {
    return Fail(error, SVIRT_E_NOTSUP, ENOENT,
                "a profile with rules of its own has to be compiled by apparmor_parser, which is "
                "not installed: install the package apparmor, or remove the rules");
  }
  const Fd in = MemoryFile("profile", text), features = MemoryFile("features", PolicyFeatures());
  const Fd out = MemoryFile("image", ""), words = MemoryFile("errors", "");
  if (!in || !features || !out || !words) {
    return Fail(error, SVIRT_E_SYSTEM, errno, "cannot make a file in memory for %s",
                parser.c_str());
  }
  // The same features as the shared part has: rules that are kept together must mean the same.
  std::string options[] = {parser,
                           "--config-file=/dev/null",
                           "--policy-features=/proc/self/fd/3",
                           "--kernel-features=/proc/self/fd/3",
                           "--skip-kernel-load",
                           "--skip-cache",
                           "--quiet",
                           "--stdout"};
  char *argv[std::size(options) + 1] = {};
  for (size_t i = 0; i < std::size(options); ++i) {
    argv[i] = options[i].data();
  }
  SpawnSettings settings;
  pid_t pid = -1;
  // dup2 of a descriptor onto itself would leave it close-on-exec; these are all above 3.
  const Fd high[] = {Fd(::fcntl(in.get(), F_DUPFD_CLOEXEC, 10)),
                     Fd(::fcntl(out.get(), F_DUPFD_CLOEXEC, 10)),
                     Fd(::fcntl(words.get(), F_DUPFD_CLOEXEC, 10)),
                     Fd(::fcntl(features.get(), F_DUPFD_CLOEXEC, 10))};
  int errnum = settings.Set({high[0].get(), high[1].get(), high[2].get(), high[3].get()});
  if (errnum == 0) {
    errnum = settings.Spawn(&pid, parser, argv);
  }
  if (errnum != 0) {
    return Fail(error, SVIRT_E_SYSTEM, errnum, "cannot run %s: %s", parser.c_str(),
                std::strerror(errnum));
  }
  const bool ended_well = WaitFor(pid);
  *image = Content(out.get(), kMostOutput);
  if (!ended_well || image->empty()) {
    const std::string said = OneLine(Content(words.get(), kMostOutput));
    return Fail(error, SVIRT_E_INVALID, 0, "%s does not accept the rules: %s", parser.c_str(),
                said.empty() ? "it gave no reason" : said.c_str());
  }
  return SVIRT_OK;
}

}  // namespace svirt::apparmor
