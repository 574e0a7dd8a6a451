/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * leader_exit PID: makes the first thread of a process end by exit(2), as a guest that has taken
 * over its emulator can: the others run on, while /proc shows a zombie.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "tests/promise/remote.h"

int main(int argc, char **argv) {
  const long arguments[6] = {0};
  struct remote remote;
  const pid_t pid = argc == 2 ? atoi(argv[1]) : 0;
  if (pid <= 0) {
    fprintf(stderr, "usage: leader_exit PID\n");
    return 2;
  }
  if (remote_attach(&remote, pid) != 0 || remote_aim(&remote, SYS_exit, arguments) != 0) {
    return 1;
  }
  /* It would be waited for until its last thread has ended. */
  if (ptrace(PTRACE_DETACH, pid, NULL, NULL) != 0) {
    perror("detach");
    return 1;
  }
  return 0;
}
