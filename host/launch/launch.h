// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts a program that is confined before its first instruction.
#pragma once

#include <svirt/plugin.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "host/domain/wall.h"
#include "host/util/fd.h"
#include "host/util/result.h"

namespace svirt {

// The recipes of all models of a domain, primary first. Owns the descriptors in them.
class Recipes {
 public:
  Recipes() = default;
  Recipes(std::vector<svirt_exec> list) : list_(std::move(list)) {}
  Recipes(Recipes &&other) noexcept : list_(std::exchange(other.list_, {})) {}
  Recipes &operator=(Recipes &&other) noexcept {
    std::swap(list_, other.list_);
    return *this;
  }
  Recipes(const Recipes &) = delete;
  Recipes &operator=(const Recipes &) = delete;
  ~Recipes();

  const std::vector<svirt_exec> &list() const { return list_; }

 private:
  std::vector<svirt_exec> list_;
};

// A program to be started under confinement.
struct LaunchSpec {
  std::string program;            // absolute path
  std::vector<std::string> argv;  // argv[0] included
  std::vector<std::string> env;   // complete environment, NAME=value
  std::string cwd = "/";          // absolute; opened by the caller's process
  // Descriptors the child gets: source in this process (stays the caller's), number in the child.
  // All others are closed. 0, 1 and 2 that are not listed are /dev/null.
  struct InheritFd {
    int source = -1, target = -1;
  };
  std::vector<InheritFd> fds;
  Recipes recipes;
  bool new_session = true;  // setsid
  // Bytes that it may lock in memory, without a capability for it; 0: as many as this process.
  uint64_t memlock = 0;
  // A tool of the system that works for this process, not for a domain: it keeps the capabilities
  // and the session keyring that it inherits.
  bool keep_privileges = false;
  // The namespaces that it gets. With a keeper it is a child of that, not of this process.
  Wall wall;
  // Called with the keeper's pid, before there is a program's process. With its end everything in
  // its namespace has ended.
  std::function<Status(pid_t)> announce_keeper;
  // Called with the child's pid before it does anything; it keeps that pid and its start time when
  // it executes the program. If this fails, or if this process ends before it has returned, the
  // program is never executed: what is written down here knows of every program that ever runs.
  std::function<Status(pid_t)> announce;
  // How long the child may take until its program runs; then it is killed.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  // Killed, too, as soon as this thread IsAskedToEnd (end_request.h).
  bool ends_if_asked = false;
};

// A child that has executed its program; its label is whatever the recipe gave. The owner of the
// Child must Wait for it, unless it is meant to outlive this process: destroying a Child neither
// ends nor reaps it.
struct Child {
  pid_t pid = -1;  // as this process sees it
  Fd pidfd;
  Fd keeper;  // its pidfd; empty if it has none
  // While this is open a child that has ended stays, to be asked about, and so does its keeper.
  Fd watch;

  // Of the process with whose end the child and all that it has started have ended.
  const Fd &last() const { return keeper ? keeper : pidfd; }
};

// Starts the program with the recipes applied by async-signal-safe calls only: attributes first,
// then rulesets, then credentials, whatever the order of the models. The calling process and its
// threads keep their own attributes, signals and descriptors. Supplementary groups are always
// emptied when the caller may do so; signals are unblocked and default, the umask is 077.
//
// Whatever the recipes say, the program has no capability in any of its sets and none to gain: the
// bounding set is empty, user 0 is a user like others, and no_new_privs is set unless a recipe lets
// the label change at the execution, which security modules refuse behind no_new_privs. Who lacks
// CAP_SETPCAP cannot empty the bounding set; it stays behind no_new_privs, or for a user other than
// 0, whom the programs that give privileges away were open to before. The program's session keyring
// is a new one.
//
// Returns when the exec has succeeded. On failure no child is left and the sentence names the
// step: Errc::kInvalid the spec or a recipe is malformed, kRefused /proc is not the kernel's or an
// attribute was not taken whole, otherwise by errno of the step. From any thread.
Result<Child> Launch(const LaunchSpec &spec);

// Ends the child, with all else in its namespace: SIGKILL by pidfd, and waits; but not for ever for
// one that the kernel does not let go. That one is still known to whoever was told of it.
void Kill(Child &child);

// Exit status as a shell gives it: code, or 128 + signal. Closes child.watch. Fails if somebody
// else has reaped the child: another thread's wait(), or an ignored SIGCHLD.
Result<int> Wait(Child &child);

}  // namespace svirt
