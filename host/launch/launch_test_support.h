// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests of the launch: programs, recipes, a false /proc, and the state of this process.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "host/launch/launch.h"
#include "host/launch/spawn.h"

namespace svirt {

// A directory of the test's own.
class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/svirt-launch-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir &) = delete;
  TempDir &operator=(const TempDir &) = delete;
  std::string operator/(const std::string &name) const { return path_ + "/" + name; }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

inline std::string ReadFile(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void WriteFile(const std::string &path, const std::string &text) {
  std::ofstream(path, std::ios::binary) << text;
}

// The program beside this test that prints what it finds.
inline std::string ProbePath() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "launch_probe";
}

inline LaunchSpec Spec(std::string program, std::vector<std::string> args = {}) {
  LaunchSpec spec;
  spec.program = std::move(program);
  spec.argv = std::move(args);
  spec.argv.insert(spec.argv.begin(), spec.program);
  return spec;
}

// Runs it to its end and returns what it wrote to its standard output.
struct Output {
  int status = -1;
  std::string text;
};

// proc: as of Spawn, or -1 for the kernel's.
inline Output RunToEnd(LaunchSpec spec, int proc = -1) {
  Output output;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    ADD_FAILURE() << "pipe";
    return output;
  }
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  spec.fds.push_back({write_end.get(), 1});
  auto child = proc >= 0 ? Spawn(spec, proc) : Launch(spec);
  write_end.Reset();
  if (!child) {
    ADD_FAILURE() << child.error().message;
    return output;
  }
  char buffer[4096];
  ssize_t n = 0;
  while ((n = read(read_end.get(), buffer, sizeof buffer)) > 0) {
    output.text.append(buffer, static_cast<size_t>(n));
  }
  const auto status = Wait(*child);
  EXPECT_TRUE(status.ok());
  output.status = status.ok() ? *status : -1;
  return output;
}

inline bool HasLine(const std::string &text, const std::string &line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

inline svirt_exec AttributeRecipe(const char *attr, const std::string &data) {
  svirt_exec recipe{};
  recipe.struct_size = sizeof recipe;
  recipe.op_count = 1;
  recipe.op[0].kind = SVIRT_EXEC_PROCATTR;
  recipe.op[0].fd = -1;
  std::snprintf(recipe.op[0].attr, sizeof recipe.op[0].attr, "%s", attr);
  std::memcpy(recipe.op[0].data, data.data(), data.size());
  recipe.op[0].data_len = static_cast<uint32_t>(data.size());
  return recipe;
}

inline svirt_exec CredentialsRecipe(uint32_t uid, uint32_t gid) {
  svirt_exec recipe{};
  recipe.struct_size = sizeof recipe;
  recipe.op_count = 1;
  recipe.op[0].kind = SVIRT_EXEC_CREDENTIALS;
  recipe.op[0].fd = -1;
  recipe.op[0].uid = uid;
  recipe.op[0].gid = gid;
  return recipe;
}

// A ruleset that allows to read and execute below the given paths, and no other reading, writing
// or executing. -1 if the kernel has none.
inline int MakeRuleset(const std::vector<std::string> &paths) {
  landlock_ruleset_attr attr{};
  attr.handled_access_fs =
      LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
  const int ruleset =
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0U));
  if (ruleset < 0) {
    return -1;
  }
  for (const std::string &path : paths) {
    const Fd parent(open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!parent) {
      continue;  // /lib64 is not everywhere
    }
    landlock_path_beneath_attr rule{};
    rule.allowed_access = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
    rule.parent_fd = parent.get();
    EXPECT_EQ(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U), 0)
        << path << ": " << strerror(errno);
  }
  return ruleset;
}

inline svirt_exec RulesetRecipe(int fd, uint32_t flags) {
  svirt_exec recipe{};
  recipe.struct_size = sizeof recipe;
  recipe.op_count = 1;
  recipe.op[0].kind = SVIRT_EXEC_LANDLOCK;
  recipe.op[0].flags = flags;
  recipe.op[0].fd = fd;
  return recipe;
}

// Runs body in a process of its own; true if it returned true. For what changes a whole process.
template <typename Body>
bool InChild(Body body) {
  const pid_t pid = fork();
  if (pid == 0) {
    _exit(body() ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  return status == 0;
}

// The probe where every user can execute it: the build may be where nobody else gets at it.
class PublicProbe {
 public:
  PublicProbe() {
    std::filesystem::copy_file(ProbePath(), path());
    EXPECT_EQ(chmod(dir_.path().c_str(), 0755), 0);
    EXPECT_EQ(chmod(path().c_str(), 0755), 0);
  }
  std::string path() const { return dir_ / "probe"; }

 private:
  TempDir dir_;
};

template <typename... R>
std::vector<svirt_exec> List(R... recipes) {
  return {recipes...};
}

inline std::set<int> OpenFds() {
  std::set<int> fds;
  for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    fds.insert(std::stoi(entry.path().filename()));
  }
  return fds;
}

// A directory laid out like proc, so that the writing can be seen on a kernel without labels.
class FakeProc {
 public:
  FakeProc() {
    std::filesystem::create_directories(dir_ / "thread-self/attr/apparmor");
    WriteFile(attr("exec"), "");
    WriteFile(attr("apparmor/exec"), "");
    fd_.Reset(open(dir_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  int fd() const { return fd_.get(); }
  std::string attr(const std::string &name) const { return dir_ / ("thread-self/attr/" + name); }
  const TempDir &dir() const { return dir_; }

 private:
  TempDir dir_;
  Fd fd_;
};

// Processes whose parent is this one.
inline std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  for (const auto &entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    const std::string stat = ReadFile(entry.path() / "stat");
    const size_t end = stat.rfind(") ");
    if (end != std::string::npos && std::stoi(stat.substr(end + 4)) == getpid()) {
      children.push_back(std::stoi(name));
    }
  }
  return children;
}

// The lines of /proc/thread-self/status that a launch must not change, and the thread's attributes.
inline std::string OwnState() {
  std::string state;
  std::istringstream status(ReadFile("/proc/thread-self/status"));
  for (std::string line; std::getline(status, line);) {
    for (const char *key : {"Umask:", "Uid:", "Gid:", "Groups:", "SigBlk:", "SigIgn:", "SigCgt:",
                            "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:"}) {
      if (line.rfind(key, 0) == 0) {
        state += line + "\n";
      }
    }
  }
  state += "exec " + ReadFile("/proc/thread-self/attr/exec") + "\n";
  state += "current " + ReadFile("/proc/thread-self/attr/current") + "\n";
  return state + std::filesystem::current_path().string();
}

}  // namespace svirt
