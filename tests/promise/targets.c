/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * targets KEY NAME [DIRECTORY]: holds, until its standard input ends, what the probes reach for.
 * For everybody: shared memory, a semaphore and a queue of System V under the key, a POSIX queue
 * and POSIX shared memory and an abstract socket of the name. What is there already, or cannot be
 * made here, is left out. With a directory: the socket "closed" in it for its owner and "open" for
 * all, and a TCP port on the loopback device, which is printed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { kSockets = 4 };

/* A listening socket, or -1. */
static int listen_unix(const char *name, int abstract, mode_t mode) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const size_t length = strlen(name);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener == -1 || length + 1 > sizeof address.sun_path) {
    return -1;
  }
  memcpy(address.sun_path + (abstract ? 1 : 0), name, length);
  umask(0777 & ~mode);
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
  const int bound = bind(listener, (const struct sockaddr *)&address, size);
  umask(0);
  if (bound != 0 || listen(listener, 8) != 0) {
    close(listener);
    return -1;
  }
  return listener;
}

static int listen_tcp(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener == -1 || bind(listener, (const struct sockaddr *)&address, size) != 0 ||
      listen(listener, 8) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
    return -1;
  }
  printf("port %d\n", ntohs(address.sin_port));
  return listener;
}

int main(int argc, char **argv) {
  char path[sizeof((struct sockaddr_un *)0)->sun_path];
  struct pollfd polled[kSockets + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};
  if (argc != 3 && argc != 4) {
    fprintf(stderr, "usage: targets KEY NAME [DIRECTORY]\n");
    return 2;
  }
  umask(0);
  const key_t key = (key_t)strtol(argv[1], NULL, 0);
  const int memory = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0666);
  const int semaphore = semget(key, 1, IPC_CREAT | IPC_EXCL | 0666);
  const int queue = msgget(key, IPC_CREAT | IPC_EXCL | 0666);
  const long posix_queue =
      syscall(SYS_mq_open, argv[2], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666, NULL);
  char shared[64];
  snprintf(shared, sizeof shared, "/dev/shm/%s", argv[2]);
  const int file = open(shared, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

  int count = 1;
  polled[count++].fd = listen_unix(argv[2], 1, 0777);
  if (argc == 4) {
    snprintf(path, sizeof path, "%s/closed", argv[3]);
    polled[count++].fd = listen_unix(path, 0, 0600);
    snprintf(path, sizeof path, "%s/open", argv[3]);
    polled[count++].fd = listen_unix(path, 0, 0666);
    polled[count++].fd = listen_tcp();
  }
  printf("ready\n");
  fflush(stdout);
  for (int i = 1; i < count; ++i) {
    polled[i].events = POLLIN;
  }
  while (poll(polled, (nfds_t)count, -1) >= 0 && polled[0].revents == 0) {
    for (int i = 1; i < count; ++i) {
      if (polled[i].revents != 0) {
        close(accept(polled[i].fd, NULL, NULL));
      }
    }
  }

  if (memory != -1) {
    shmctl(memory, IPC_RMID, NULL);
  }
  if (semaphore != -1) {
    semctl(semaphore, 0, IPC_RMID);
  }
  if (queue != -1) {
    msgctl(queue, IPC_RMID, NULL);
  }
  if (posix_queue != -1) {
    syscall(SYS_mq_unlink, argv[2]);
  }
  if (file != -1) {
    unlink(shared);
  }
  return 0;
}
