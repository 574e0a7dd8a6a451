/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * with_keys NAME PROGRAM...: executes a program in a new session keyring that has a key of the
 * name, as the keyring of the user has one. The number of the first is in PROMISE_KEY.
 */
#define _GNU_SOURCE
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long add_key(const char *name, long keyring) {
  const long key = syscall(SYS_add_key, "user", name, "secret", strlen("secret"), keyring);
  if (key != -1) {
    syscall(SYS_keyctl, KEYCTL_SET_TIMEOUT, key, 600); /* the user's keyring outlives the test */
  }
  return key;
}

int main(int argc, char **argv) {
  char number[32];
  if (argc < 3) {
    fprintf(stderr, "usage: with_keys NAME PROGRAM...\n");
    return 2;
  }
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) == -1) {
    perror("a session keyring");
    return 1;
  }
  const long key = add_key(argv[1], KEY_SPEC_SESSION_KEYRING);
  if (key == -1 || add_key(argv[1], KEY_SPEC_USER_KEYRING) == -1) {
    perror("a key");
    return 1;
  }
  snprintf(number, sizeof number, "%ld", key);
  setenv("PROMISE_KEY", number, 1);
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 1;
}
