/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes the first thread of another process do system calls, by ptrace. */
#ifndef SVIRT_TESTS_PROMISE_REMOTE_H_
#define SVIRT_TESTS_PROMISE_REMOTE_H_

#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct remote {
  pid_t pid;                         /* 0: a call has ended this thread */
  uint64_t instruction;              /* a system call instruction in its vdso */
  struct user_regs_struct registers; /* as they were */
  int held; /* a signal that came meanwhile, for when it goes on; 0: none */
};

/* Each of these returns 0, or says what failed and returns -1. */

int remote_attach(struct remote *remote, pid_t pid);

/* What it does next is this call, when it goes on. */
int remote_aim(struct remote *remote, long number, const long arguments[6]);

/* Makes it do the call. *signal is 0, or what the call ended it with: SIGSYS, mostly. */
int remote_call(struct remote *remote, long number, const long arguments[6], long *answer,
                int *signal);

/* It goes on where it was. */
int remote_resume(struct remote *remote);

#endif /* SVIRT_TESTS_PROMISE_REMOTE_H_ */
