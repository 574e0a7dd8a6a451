// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens /proc where a recipe needs it, launches, and kills or awaits the child.
#include "host/launch/launch.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "host/launch/end_process.h"
#include "host/launch/procfs.h"
#include "host/launch/spawn.h"
#include "host/util/pidfd.h"

namespace svirt {
namespace {

bool WritesAttribute(const svirt_exec &recipe) {
  const svirt_exec_op *end = recipe.op + std::min<uint32_t>(recipe.op_count, SVIRT_EXEC_OPS);
  return std::any_of(recipe.op, end,
                     [](const svirt_exec_op &op) { return op.kind == SVIRT_EXEC_PROCATTR; });
}

}  // namespace

Recipes::~Recipes() {
  for (const svirt_exec &recipe : list_) {
    for (uint32_t i = 0; i < std::min<uint32_t>(recipe.op_count, SVIRT_EXEC_OPS); ++i) {
      if (recipe.op[i].kind == SVIRT_EXEC_LANDLOCK && recipe.op[i].fd >= 0) {
        close(recipe.op[i].fd);
      }
    }
  }
}

Result<Child> Launch(const LaunchSpec &spec) {
  Fd proc;
  const std::vector<svirt_exec> &recipes = spec.recipes.list();
  if (std::any_of(recipes.begin(), recipes.end(), WritesAttribute)) {
    SVIRT_ASSIGN(proc, OpenProcRoot());
  }
  return Spawn(spec, proc.get());
}

void Kill(Child &child) {
  const Fd &last = child.last();
  PidfdSignal(last, SIGKILL);  // fails if it has ended already and only has to be reaped
  if (!PidfdEndsWithin(last, kEndTimeout)) {
    return;
  }
  siginfo_t info{};
  while (waitid(P_PIDFD, static_cast<id_t>(last.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

Result<int> Wait(Child &child) {
  child.watch.Reset();
  siginfo_t info{};
  while (waitid(P_PIDFD, static_cast<id_t>(child.last().get()), &info, WEXITED) != 0) {
    if (errno != EINTR) {
      return SystemError(errno, "cannot wait for process " + std::to_string(child.pid));
    }
  }
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace svirt
