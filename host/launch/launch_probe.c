/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints what a launched program finds, one "key value" per line, for launch_test. */
#include <dirent.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void print_status(void) {
  static const char *const keys[] = {
      "SigBlk:", "SigIgn:", "SigCgt:", "NoNewPrivs:", "Uid:",   "Gid:",
      "CapInh:", "CapPrm:", "CapEff:", "CapBnd:",     "CapAmb:"};
  char line[512];
  FILE *status = fopen("/proc/self/status", "re");
  if (!status) {
    return;
  }
  while (fgets(line, sizeof line, status)) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
      if (!strncmp(line, keys[i], strlen(keys[i]))) {
        fputs(line, stdout);
      }
    }
  }
  fclose(status);
}

static void print_descriptors(void) {
  DIR *dir = opendir("/proc/self/fd");
  const struct dirent *entry;
  while (dir && (entry = readdir(dir))) {
    char target[512];
    const int fd = atoi(entry->d_name);
    const ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
    if (n < 0 || fd == dirfd(dir)) {
      continue;
    }
    target[n] = '\0';
    printf("fd %d %s\n", fd, target);
  }
  closedir(dir);
}

/* Looks for a key of that name in the session keyring. */
static void print_key(const char *name) {
  const long found = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name, 0L);
  printf("key %s\n", found >= 0 ? "found" : "none");
}

int main(int argc, char **argv) {
  extern char **environ;
  char cwd[512];
  const mode_t mask = umask(0);
  print_descriptors();
  print_status();
  printf("groups %d\n", getgroups(0, NULL));
  printf("leader %d\n", getsid(0) == getpid());
  printf("umask %03o\n", (unsigned)mask);
  printf("cwd %s\n", getcwd(cwd, sizeof cwd) ? cwd : "?");
  struct rlimit memlock = {0, 0};
  getrlimit(RLIMIT_MEMLOCK, &memlock);
  printf("memlock %llu\n", (unsigned long long)memlock.rlim_cur);
  printf("securebits %x\n", (unsigned)prctl(PR_GET_SECUREBITS, 0L, 0L, 0L, 0L));
  for (int i = 0; i < argc; ++i) {
    if (!strncmp(argv[i], "key:", 4)) {
      print_key(argv[i] + 4);
    }
    printf("arg %s\n", argv[i]);
  }
  for (char **e = environ; *e; ++e) {
    printf("env %s\n", *e);
  }
  return 0;
}
