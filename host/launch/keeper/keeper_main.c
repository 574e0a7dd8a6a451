/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program that keeps a domain: process 1 of its namespace. It waits for the domain's program
 * and ends with it; with its end the kernel kills whatever else is left there (pid_namespaces(7)).
 *
 * Its one argument is the number of the program's process in the namespace. On descriptor 0 it says
 * by one byte that it is ready; when the other end is closed it begins to wait, and has no
 * descriptors, no capabilities and no name that anything could reach it by. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

enum { EXIT_OF_KEEPER = 125 };

/* All that is left to it is to wait and to end. Without this it works as well, so a kernel without
 * filters is no reason to end the domain. */
static void forbid_all_else(void) {
#ifdef THIS_ARCH
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 0, 7),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_wait4, 6, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 5, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_restart_syscall, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#endif
}

static void end(int status) {
  for (;;) {
    syscall(SYS_exit_group, status);
  }
}

int main(int argc, char **argv) {
  /* A domain of the same user must not trace it, nor look into it. */
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    end(EXIT_OF_KEEPER);
  }
  const long program = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
  if (program <= 1) {
    end(EXIT_OF_KEEPER);
  }
  (void)prctl(PR_SET_NAME, "svirt-keeper");
  forbid_all_else();
  /* Whoever has started it may want to look at a program that has ended already. */
  char none;
  if (write(STDIN_FILENO, "", 1) != 1) {
    end(EXIT_OF_KEEPER);
  }
  while (read(STDIN_FILENO, &none, 1) < 0 && errno == EINTR) {
  }
  if (close(STDIN_FILENO) != 0) {
    end(EXIT_OF_KEEPER);
  }
  for (;;) {
    int status = 0;
    const long ended = syscall(SYS_wait4, -1, &status, 0, NULL);
    if (ended < 0 && errno != EINTR) {
      end(EXIT_OF_KEEPER); /* the program is gone, and nobody knows how */
    }
    if (ended == program) {
      end(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
  }
}
