// SPDX-License-Identifier: LGPL-2.1-or-later
// The plan and the reports of the child between its creation and its exec.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/launch/recipe.h"

namespace svirt {

// What the child reports through the pipe. The order is the order in which it works.
enum class ChildStep : int32_t {
  kAnnounce,
  kProgramProcess,  // this and the next one: of the keeper
  kKeeper,
  kSignals,
  kSession,
  kDirectory,
  kMemlock,
  kOpenAttribute,
  kWriteAttribute,
  kNoNewPrivs,
  kRuleset,
  kBoundingSet,
  kSecureBits,
  kGroups,
  kGroup,
  kUser,
  kKeyring,
  kCapabilities,
  kDescriptors,
  kCloseDescriptors,
  kExec,
};

// One record. error 0 with kExec: all is prepared, the exec comes next. Anything else: failed.
struct ChildReport {
  ChildStep step;
  int32_t error;   // errno; 0 with kWriteAttribute: written only in part
  uint32_t index;  // of the recipe step or of the descriptor
};

// A descriptor of the child. copy is scratch space of the child.
struct ChildFd {
  int source, target, copy;
};

// What the process needs that becomes the keeper of the child's namespace.
struct KeeperPlan {
  int program;  // to execute, as process 1
  int talk;     // socket: see RunKeeper
  int parent;   // pidfd
};

// All that the child needs, made before the fork: it may not allocate, lock, or call anything that
// is not async-signal-safe, since other threads' locks may be held for ever in it.
struct ChildPlan {
  const char *program;
  char *const *argv;
  char *const *envp;
  int cwd;     // directory
  int proc;    // root of proc, or -1 if no attribute is written
  int report;  // write end of the pipe
  int go;      // read end of the pipe on which the child is told to go on, or -1: at once
  int parent;  // pid
  const KeeperPlan *keeper;  // nullptr: the child has none, and is a child of the parent itself
  bool new_session;
  uint64_t memlock;        // bytes that it may lock in memory; 0: as many as this process
  bool no_new_privs;       // set them
  bool keep_privileges;    // capabilities and the session keyring stay as they are
  bool has_setpcap;        // the capability that some of it takes
  bool keep_bounding_set;  // may stay where it cannot be emptied: nothing can be gained from it
  bool credentials;        // a recipe changes them: groups must be emptied
  const RecipeStep *steps;
  size_t step_count;
  ChildFd *fds;  // by ascending target, 0, 1 and 2 among them
  size_t fd_count;
};

// The child's whole life up to its exec.
[[noreturn]] void RunChild(const ChildPlan &plan) noexcept;

}  // namespace svirt
