/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * leader_exit PID: makes the first thread of a process end by exit(2), as a guest that has taken
 * over its emulator can: the others run on, while /proc shows a zombie.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

static int fail(const char *what) {
  perror(what);
  return 1;
}

/* The address of a system call instruction in the process's vdso, 0 if there is none. */
static uint64_t find_syscall(pid_t pid) {
  char path[64], line[512];
  uint64_t first = 0, end = 0, found = 0;
  snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
  FILE *maps = fopen(path, "r");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    if (strstr(line, "[vdso]") != NULL) {
      char *at = NULL;
      first = strtoull(line, &at, 16);
      end = strtoull(at + 1, NULL, 16);
    }
  }
  if (maps != NULL) {
    fclose(maps);
  }
  for (uint64_t at = first; at < end && found == 0; at += sizeof(long)) {
    errno = 0;
    const long word = ptrace(PTRACE_PEEKTEXT, pid, at, NULL);
    if (errno != 0) {
      break;
    }
    unsigned char code[sizeof word];
    memcpy(code, &word, sizeof code);
    for (size_t i = 0; i + 1 < sizeof code; ++i) {
#if defined(__x86_64__)
      if (code[i] == 0x0f && code[i + 1] == 0x05) {
        found = at + i;
      }
#elif defined(__aarch64__)
      if (i % 4 == 0 && memcmp(code + i, "\x01\x00\x00\xd4", 4) == 0) {
        found = at + i;
      }
#else
#error "the system call instruction of this processor"
#endif
    }
  }
  return found;
}

int main(int argc, char **argv) {
  const pid_t pid = argc == 2 ? atoi(argv[1]) : 0;
  int status = 0;
  if (pid <= 0) {
    fprintf(stderr, "usage: leader_exit PID\n");
    return 2;
  }
  if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) != 0) {
    return fail("attach");
  }
  if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) {
    return fail("wait");
  }
  const uint64_t at = find_syscall(pid);
  if (at == 0) {
    fprintf(stderr, "no system call instruction in the vdso\n");
    return 1;
  }
  struct user_regs_struct registers;
  struct iovec io = {&registers, sizeof registers};
  if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &io) != 0) {
    return fail("get registers");
  }
#if defined(__x86_64__)
  registers.rip = at;
  registers.rax = SYS_exit;
  registers.orig_rax = (unsigned long long)-1; /* nothing that was interrupted is begun again */
  registers.rdi = 0;
#else
  registers.pc = at;
  registers.regs[8] = SYS_exit;
  registers.regs[0] = 0;
#endif
  if (ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &io) != 0) {
    return fail("set registers");
  }
  if (ptrace(PTRACE_DETACH, pid, NULL, NULL) != 0) {
    return fail("detach");
  }
  return 0;
}
