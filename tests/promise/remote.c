/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls in another process: its registers are set to one, and it does a single step. */
#include "tests/promise/remote.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

static int fail(const char *what) {
  perror(what);
  return -1;
}

/* The address of a system call instruction in the process's vdso, 0 if there is none. */
static uint64_t find_instruction(pid_t pid) {
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

static int set_registers(const struct remote *remote, struct user_regs_struct *registers) {
  struct iovec io = {registers, sizeof *registers};
  return ptrace(PTRACE_SETREGSET, remote->pid, (void *)NT_PRSTATUS, &io) == 0
             ? 0
             : fail("set registers");
}

static int get_registers(const struct remote *remote, struct user_regs_struct *registers) {
  struct iovec io = {registers, sizeof *registers};
  return ptrace(PTRACE_GETREGSET, remote->pid, (void *)NT_PRSTATUS, &io) == 0
             ? 0
             : fail("get registers");
}

int remote_attach(struct remote *remote, pid_t pid) {
  int status = 0;
  *remote = (struct remote){.pid = pid};
  if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) != 0) {
    return fail("attach");
  }
  if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) {
    return fail("wait");
  }
  /* A thread that is ended alone, the first one, is not to be waited for. */
  if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (long)PTRACE_O_TRACEEXIT) != 0) {
    return fail("options");
  }
  remote->instruction = find_instruction(pid);
  if (remote->instruction == 0) {
    fprintf(stderr, "no system call instruction in the vdso\n");
    return -1;
  }
  return get_registers(remote, &remote->registers);
}

int remote_aim(struct remote *remote, long number, const long arguments[6]) {
  struct user_regs_struct registers = remote->registers;
  unsigned long long words[6];
  for (int i = 0; i < 6; ++i) {
    words[i] = (unsigned long long)arguments[i];
  }
#if defined(__x86_64__)
  registers.rip = remote->instruction;
  registers.rax = (unsigned long long)number;
  registers.orig_rax = (unsigned long long)-1; /* nothing that was interrupted is begun again */
  registers.rdi = words[0];
  registers.rsi = words[1];
  registers.rdx = words[2];
  registers.r10 = words[3];
  registers.r8 = words[4];
  registers.r9 = words[5];
#else
  registers.pc = remote->instruction;
  registers.regs[8] = (unsigned long long)number;
  for (int i = 0; i < 6; ++i) {
    registers.regs[i] = words[i];
  }
#endif
  return set_registers(remote, &registers);
}

int remote_call(struct remote *remote, long number, const long arguments[6], long *answer,
                int *signal) {
  struct user_regs_struct registers;
  int status = 0;
  *signal = 0;
  if (remote_aim(remote, number, arguments) != 0) {
    return -1;
  }
  for (;;) {
    if (ptrace(PTRACE_SINGLESTEP, remote->pid, NULL, NULL) != 0) {
      return fail("a step");
    }
    if (waitpid(remote->pid, &status, __WALL) != remote->pid) {
      return fail("wait");
    }
    if (!WIFSTOPPED(status)) {
      fprintf(stderr, "it has ended\n");
      return -1;
    }
    if (status >> 16 == PTRACE_EVENT_EXIT) {
      unsigned long end = 0;
      ptrace(PTRACE_GETEVENTMSG, remote->pid, NULL, &end);
      ptrace(PTRACE_DETACH, remote->pid, NULL, NULL);
      remote->pid = 0;
      *signal = WTERMSIG((int)end);
      return 0;
    }
    if (WSTOPSIG(status) == SIGSYS) {
      *signal = SIGSYS;
      return 0;
    }
    if (WSTOPSIG(status) == SIGTRAP) {
      break;
    }
    remote->held = WSTOPSIG(status);
  }
  if (get_registers(remote, &registers) != 0) {
    return -1;
  }
#if defined(__x86_64__)
  *answer = (long)registers.rax;
#else
  *answer = (long)registers.regs[0];
#endif
  return 0;
}

int remote_resume(struct remote *remote) {
  if (set_registers(remote, &remote->registers) != 0) {
    return -1;
  }
  return ptrace(PTRACE_DETACH, remote->pid, NULL, (long)remote->held) == 0 ? 0 : fail("detach");
}
