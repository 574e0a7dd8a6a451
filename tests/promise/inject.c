/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inject PID NAME ARGUMENTS...: makes one try of probes.c in another process, as a guest that has
 * taken it over can. Where a call ends the process, the name of the signal is printed.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/promise/probes.h"
#include "tests/promise/remote.h"

enum { kRoom = 256 * 1024 };

struct there {
  struct way way;
  struct remote remote;
  long free; /* the next free address of the room made for the calls, which it keeps */
  long end;
};

static long call_there(struct way *way, long number, const long arguments[6]) {
  struct remote *remote = &((struct there *)way)->remote;
  long answer = 0;
  int ended = 0;
  if (remote_call(remote, number, arguments, &answer, &ended) != 0) {
    exit(2);
  }
  if (ended != 0) {
    printf("SIG%s\n", sigabbrev_np(ended));
    fflush(stdout);
    if (remote->pid != 0) {
      remote_resume(remote); /* the call was announced to it only */
    }
    exit(1);
  }
  return answer;
}

/* Between this process and the other one; an address of the other is a number here. */
static void copy(struct there *there, long direction, const void *here, long at, size_t size) {
  const long local[2] = {(long)here, (long)size}, remote[2] = {at, (long)size}; /* iovec */
  if (syscall(direction, there->remote.pid, local, 1, remote, 1, 0) != (long)size) {
    perror("its memory");
    exit(2);
  }
}

static long place_there(struct way *way, const void *bytes, size_t size) {
  struct there *there = (struct there *)way;
  const long at = there->free;
  there->free += (long)((size + 15) & ~15ul);
  if (there->free > there->end) {
    fprintf(stderr, "a try needs more room\n");
    exit(2);
  }
  if (bytes != NULL) {
    copy(there, SYS_process_vm_writev, bytes, at, size);
  }
  return at;
}

static void fetch_there(struct way *way, long address, void *bytes, size_t size) {
  copy((struct there *)way, SYS_process_vm_readv, bytes, address, size);
}

int main(int argc, char **argv) {
  struct there there = {.way = {call_there, place_there, fetch_there}};
  const pid_t pid = argc > 2 ? atoi(argv[1]) : 0;
  if (pid <= 0) {
    fprintf(stderr, "usage: inject PID NAME ARGUMENTS...\n");
    return 2;
  }
  alarm(10); /* a try that waits has not been answered */
  if (remote_attach(&there.remote, pid) != 0) {
    return 2;
  }
  const long room[6] = {0, kRoom, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
  there.free = call_there(&there.way, SYS_mmap, room);
  if (there.free < 0 && there.free > -4096) {
    fprintf(stderr, "no room in it: %s\n", strerror((int)-there.free));
    remote_resume(&there.remote);
    return 2;
  }
  there.end = there.free + kRoom;
  const int answer = probe_main(&there.way, argc - 2, argv + 2);
  fflush(stdout);
  return remote_resume(&there.remote) == 0 ? answer : 2;
}
