/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints what a launched program finds, one "key value" per line, for launch_test. */
#include <dirent.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_status(void) {
  static const char *const keys[] = {
      "SigBlk:", "SigIgn:", "SigCgt:", "NoNewPrivs:", "Uid:", "Gid:"};
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
  for (int i = 0; i < argc; ++i) {
    printf("arg %s\n", argv[i]);
  }
  for (char **e = environ; *e; ++e) {
    printf("env %s\n", *e);
  }
  return 0;
}
