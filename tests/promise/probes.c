/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tries themselves, each in system calls alone, so that any process can be made to do them. */
#define _GNU_SOURCE
#include "tests/promise/probes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <linux/rtnetlink.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define CALL(way, number, ...) (way)->call((way), (number), (const long[6]){__VA_ARGS__})
#define PLACE(way, object) (way)->place((way), &(object), sizeof(object))
#define ROOM(way, size) (way)->place((way), NULL, (size))

static long place_text(struct way *way, const char *text) {
  return way->place(way, text, strlen(text) + 1);
}

static long number(const char *text) {
  return strtol(text, NULL, 0);
}

static long open_at(struct way *way, const char *path, int flags) {
  return CALL(way, SYS_openat, AT_FDCWD, place_text(way, path), flags | O_CLOEXEC, 0600);
}

/* Closes what a try has opened; the answer is the try's. */
static long then_close(struct way *way, long descriptor, long answer) {
  CALL(way, SYS_close, descriptor);
  return answer;
}

static long opened(struct way *way, long descriptor) {
  return descriptor < 0 ? descriptor : then_close(way, descriptor, 0);
}

/* Files. */

static long read_file(struct way *way, char **words) {
  const long file = open_at(way, words[0], O_RDONLY | O_NONBLOCK);
  return file < 0 ? file : then_close(way, file, CALL(way, SYS_read, file, ROOM(way, 4096), 4096));
}

static long read_at(struct way *way, char **words) {
  const long file = open_at(way, words[0], O_RDONLY);
  return file < 0 ? file
                  : then_close(way, file,
                               CALL(way, SYS_pread64, file, ROOM(way, 1), 1, number(words[1])));
}

static long list_directory(struct way *way, char **words) {
  const long file = open_at(way, words[0], O_RDONLY | O_DIRECTORY);
  return file < 0 ? file
                  : then_close(way, file, CALL(way, SYS_getdents64, file, ROOM(way, 4096), 4096));
}

static long write_at(struct way *way, char **words) {
  const long file = open_at(way, words[0], O_WRONLY);
  return file < 0 ? file
                  : then_close(way, file,
                               CALL(way, SYS_pwrite64, file, ROOM(way, 1), 1, number(words[1])));
}

static long write_text(struct way *way, char **words) {
  const long file = open_at(way, words[0], O_WRONLY);
  return file < 0 ? file
                  : then_close(way, file,
                               CALL(way, SYS_write, file, place_text(way, words[1]),
                                    (long)strlen(words[1])));
}

/* Where a write would do harm. */
static long open_for_writing(struct way *way, char **words) {
  return opened(way, open_at(way, words[0], O_WRONLY | O_NONBLOCK));
}

static long open_for_reading(struct way *way, char **words) {
  return opened(way, open_at(way, words[0], O_RDONLY | O_NONBLOCK));
}

static long make_file(struct way *way, char **words) {
  const long file = open_at(way, words[0], O_WRONLY | O_CREAT | O_EXCL);
  if (file < 0) {
    return file;
  }
  CALL(way, SYS_unlinkat, AT_FDCWD, place_text(way, words[0]), 0);
  return then_close(way, file, 0);
}

static long make_node(struct way *way, char **words) {
  const long made = CALL(way, SYS_mknodat, AT_FDCWD, place_text(way, words[0]), S_IFBLK | 0600,
                         (long)makedev(7, 0));
  if (made == 0) {
    CALL(way, SYS_unlinkat, AT_FDCWD, place_text(way, words[0]), 0);
  }
  return made;
}

static long change_mode(struct way *way, char **words) {
  return CALL(way, SYS_fchmodat, AT_FDCWD, place_text(way, words[0]), strtol(words[1], NULL, 8));
}

static long change_owner(struct way *way, char **words) {
  return CALL(way, SYS_fchownat, AT_FDCWD, place_text(way, words[0]), number(words[1]),
              number(words[2]), 0);
}

static long set_attribute(struct way *way, char **words) {
  return CALL(way, SYS_setxattr, place_text(way, words[0]), place_text(way, "user.promise"),
              place_text(way, "x"), 1, 0);
}

static long set_times(struct way *way, char **words) {
  const struct timespec times[2] = {{1, 0}, {1, 0}};
  return CALL(way, SYS_utimensat, AT_FDCWD, place_text(way, words[0]), PLACE(way, times), 0);
}

static long truncate_file(struct way *way, char **words) {
  return CALL(way, SYS_truncate, place_text(way, words[0]), number(words[1]));
}

static long remove_file(struct way *way, char **words) {
  return CALL(way, SYS_unlinkat, AT_FDCWD, place_text(way, words[0]), 0);
}

static long watch_file(struct way *way, char **words) {
  const long watcher = CALL(way, SYS_inotify_init1, O_CLOEXEC);
  return watcher < 0 ? watcher
                     : then_close(way, watcher,
                                  CALL(way, SYS_inotify_add_watch, watcher,
                                       place_text(way, words[0]), 0xfff));
}

static long stat_file(struct way *way, char **words) {
  return CALL(way, SYS_statx, AT_FDCWD, place_text(way, words[0]), 0, STATX_BASIC_STATS,
              ROOM(way, sizeof(struct statx)));
}

/* A file by the number that its file system gives it: no directory on the way counts. */
static long open_by_handle(struct way *way, char **words) {
  struct {
    struct file_handle header;
    unsigned char bytes[MAX_HANDLE_SZ];
  } handle = {.header = {.handle_bytes = MAX_HANDLE_SZ}};
  const long at = PLACE(way, handle);
  long answer = CALL(way, SYS_name_to_handle_at, AT_FDCWD, place_text(way, words[0]), at,
                     ROOM(way, sizeof(int)), 0);
  if (answer < 0) {
    return answer;
  }
  const long mount = open_at(way, words[1], O_RDONLY | O_DIRECTORY);
  if (mount < 0) {
    return mount;
  }
  answer = CALL(way, SYS_open_by_handle_at, mount, at, O_RDONLY);
  return then_close(way, mount, opened(way, answer));
}

static long execute(struct way *way, char **words) {
  const long path = place_text(way, words[0]);
  const long arguments[2] = {path, 0};
  return CALL(way, SYS_execve, path, PLACE(way, arguments), ROOM(way, sizeof(long)));
}

static long make_process(struct way *way, char **words) {
  (void)words;
  const long child = CALL(way, SYS_clone, SIGCHLD);
  if (child == 0) {
    CALL(way, SYS_exit_group, 0); /* another process's child ends by itself: it is nowhere */
  }
  if (child > 0) {
    CALL(way, SYS_wait4, child, 0, __WALL, 0);
  }
  return child;
}

/* Sockets. */

static long connect_unix(struct way *way, const char *name, int abstract) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const size_t skipped = abstract ? 1 : 0;
  const size_t length = strlen(name);
  if (length + 1 > sizeof address.sun_path) {
    return -ENAMETOOLONG;
  }
  memcpy(address.sun_path + skipped, name, length);
  const long size = (long)(offsetof(struct sockaddr_un, sun_path) + length + 1);
  const long descriptor =
      CALL(way, SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return descriptor < 0 ? descriptor
                        : then_close(way, descriptor,
                                     CALL(way, SYS_connect, descriptor, PLACE(way, address), size));
}

static long connect_path(struct way *way, char **words) {
  return connect_unix(way, words[0], 0);
}

static long connect_abstract(struct way *way, char **words) {
  return connect_unix(way, words[0], 1);
}

static struct sockaddr_in loopback(const char *port) {
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)number(port)),
                              .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static long connect_tcp(struct way *way, char **words) {
  const struct sockaddr_in address = loopback(words[0]);
  const long descriptor = CALL(way, SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return descriptor < 0
             ? descriptor
             : then_close(way, descriptor,
                          CALL(way, SYS_connect, descriptor, PLACE(way, address), sizeof address));
}

static long listen_tcp(struct way *way, char **words) {
  (void)words;
  const struct sockaddr_in address = loopback("0");
  const long descriptor = CALL(way, SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    return descriptor;
  }
  long answer = CALL(way, SYS_bind, descriptor, PLACE(way, address), sizeof address);
  if (answer == 0) {
    answer = CALL(way, SYS_listen, descriptor, 1);
  }
  return then_close(way, descriptor, answer);
}

static long send_udp(struct way *way, char **words) {
  const struct sockaddr_in address = loopback(words[0]);
  const long descriptor = CALL(way, SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return descriptor < 0 ? descriptor
                        : then_close(way, descriptor,
                                     CALL(way, SYS_sendto, descriptor, ROOM(way, 1), 1, 0,
                                          PLACE(way, address), sizeof address));
}

static long make_socket(struct way *way, char **words) {
  return opened(way, CALL(way, SYS_socket, number(words[0]), number(words[1]) | SOCK_CLOEXEC,
                          number(words[2])));
}

/* Asks for lo to be changed in nothing, which takes the same right as any change. */
static long change_link(struct way *way, char **words) {
  (void)words;
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
  } request = {.header = {.nlmsg_len = sizeof request,
                          .nlmsg_type = RTM_SETLINK,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
               .link = {.ifi_family = AF_UNSPEC, .ifi_index = 1}};
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
  } reply = {.error = {.error = -EPROTO}};
  const long descriptor = CALL(way, SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (descriptor < 0) {
    return descriptor;
  }
  const long at = ROOM(way, 4096);
  long answer = CALL(way, SYS_sendto, descriptor, PLACE(way, request), sizeof request);
  if (answer >= 0) {
    answer = CALL(way, SYS_recvfrom, descriptor, at, 4096);
  }
  if (answer >= 0) {
    way->fetch(way, at, &reply, sizeof reply);
    answer = reply.error.error;
  }
  return then_close(way, descriptor, answer);
}

/* Other processes. */

/* A signal that nobody notices. */
static long send_signal(struct way *way, char **words) {
  return CALL(way, SYS_kill, number(words[0]), SIGURG);
}

static long trace(struct way *way, char **words) {
  const long pid = number(words[0]);
  const long answer = CALL(way, SYS_ptrace, PTRACE_SEIZE, pid);
  if (answer == 0) {
    CALL(way, SYS_ptrace, PTRACE_INTERRUPT, pid);
    CALL(way, SYS_wait4, pid, 0, __WALL, 0);
    CALL(way, SYS_ptrace, PTRACE_DETACH, pid);
  }
  return answer;
}

static long read_memory(struct way *way, char **words) {
  const long local[2] = {ROOM(way, 1), 1}, remote[2] = {number(words[1]), 1}; /* iovec */
  return CALL(way, SYS_process_vm_readv, number(words[0]), PLACE(way, local), 1, PLACE(way, remote),
              1, 0);
}

static long take_descriptor(struct way *way, char **words) {
  const long process = CALL(way, SYS_pidfd_open, number(words[0]), 0);
  return process < 0
             ? process
             : then_close(way, process,
                          opened(way, CALL(way, SYS_pidfd_getfd, process, number(words[1]), 0)));
}

static long set_limit(struct way *way, char **words) {
  const struct rlimit limit = {0, 0};
  return CALL(way, SYS_prlimit64, number(words[0]), RLIMIT_CORE, PLACE(way, limit), 0);
}

static long set_affinity(struct way *way, char **words) {
  const unsigned long all = ~0ul;
  return CALL(way, SYS_sched_setaffinity, number(words[0]), sizeof all, PLACE(way, all));
}

static long set_priority(struct way *way, char **words) {
  return CALL(way, SYS_setpriority, PRIO_PROCESS, number(words[0]), 1);
}

static long set_scheduler(struct way *way, char **words) {
  const struct sched_param parameter = {0};
  return CALL(way, SYS_sched_setscheduler, number(words[0]), SCHED_BATCH, PLACE(way, parameter));
}

static long set_io_priority(struct way *way, char **words) {
  const long process = 1, best_effort_lowest = 2 << 13 | 7;
  return CALL(way, SYS_ioprio_set, process, number(words[0]), best_effort_lowest);
}

/* Keys and what processes share. */

static long read_key(struct way *way, char **words) {
  return CALL(way, SYS_keyctl, KEYCTL_READ, number(words[0]), ROOM(way, 64), 64);
}

/* A key of the user's keyring, which is to be read once the process possesses that. */
static long read_users_key(struct way *way, char **words) {
  const long key = CALL(way, SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING,
                        place_text(way, "user"), place_text(way, words[0]), 0);
  const long linked =
      CALL(way, SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_PROCESS_KEYRING);
  if (key < 0 || linked < 0) {
    return key < 0 ? key : linked;
  }
  return CALL(way, SYS_keyctl, KEYCTL_READ, key, ROOM(way, 64), 64);
}

static long use_shared_memory(struct way *way, char **words) {
  const long id = CALL(way, SYS_shmget, number(words[0]), 0, 0);
  if (id < 0) {
    return id;
  }
  const long at = CALL(way, SYS_shmat, id, 0, 0);
  if (at < 0 && at > -4096) {
    return at;
  }
  return CALL(way, SYS_shmdt, at);
}

static long use_semaphore(struct way *way, char **words) {
  const struct sembuf more = {0, 1, IPC_NOWAIT};
  const long id = CALL(way, SYS_semget, number(words[0]), 0, 0);
  return id < 0 ? id : CALL(way, SYS_semop, id, PLACE(way, more), 1);
}

static long use_message_queue(struct way *way, char **words) {
  const struct {
    long type;
    char text[8];
  } message = {.type = 1};
  const long id = CALL(way, SYS_msgget, number(words[0]), 0);
  if (id < 0) {
    return id;
  }
  const long sent = CALL(way, SYS_msgsnd, id, PLACE(way, message), 1, IPC_NOWAIT);
  if (sent == 0) {
    CALL(way, SYS_msgrcv, id, ROOM(way, sizeof message), 1, 0, IPC_NOWAIT);
  }
  return sent;
}

static long open_posix_queue(struct way *way, char **words) {
  return opened(way, CALL(way, SYS_mq_open, place_text(way, words[0]), O_RDWR));
}

/* Interfaces of the kernel. */

static long make_map(struct way *way, char **words) {
  (void)words;
  const union bpf_attr map = {
      .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
  return opened(way, CALL(way, SYS_bpf, BPF_MAP_CREATE, PLACE(way, map), sizeof map));
}

/* Counts what a process does, or with -1 what the first processor does. */
static long count_events(struct way *way, char **words) {
  const struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE,
                                        .size = sizeof event,
                                        .config = PERF_COUNT_SW_CPU_CLOCK,
                                        .exclude_kernel = 1,
                                        .exclude_hv = 1};
  const long pid = number(words[0]);
  return opened(way,
                CALL(way, SYS_perf_event_open, PLACE(way, event), pid, pid == -1 ? 0 : -1, -1, 0));
}

static long make_ring(struct way *way, char **words) {
  (void)words;
  return opened(way, CALL(way, SYS_io_uring_setup, 1, ROOM(way, sizeof(struct io_uring_params))));
}

static long handle_faults(struct way *way, char **words) {
  return opened(way, CALL(way, SYS_userfaultfd, O_CLOEXEC | number(words[0])));
}

static long mount_tree(struct way *way, char **words) {
  const long path = place_text(way, words[0]);
  const long answer =
      CALL(way, SYS_mount, place_text(way, "none"), path, place_text(way, "tmpfs"), 0, 0);
  if (answer == 0) {
    CALL(way, SYS_umount2, path, MNT_DETACH);
  }
  return answer;
}

static long open_file_system(struct way *way, char **words) {
  (void)words;
  return opened(way, CALL(way, SYS_fsopen, place_text(way, "tmpfs"), 1));
}

static long unshare_kind(struct way *way, char **words) {
  return CALL(way, SYS_unshare, number(words[0]));
}

/* All that an unprivileged process gets of a network of its own. */
static long socket_in_namespaces(struct way *way, char **words) {
  (void)words;
  const long answer = CALL(way, SYS_unshare, CLONE_NEWUSER | CLONE_NEWNET);
  return answer < 0 ? answer
                    : opened(way, CALL(way, SYS_socket, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static long enter_namespace(struct way *way, char **words) {
  const long file = open_at(way, words[0], O_RDONLY);
  return file < 0 ? file : then_close(way, file, CALL(way, SYS_setns, file, 0));
}

static long change_root(struct way *way, char **words) {
  return CALL(way, SYS_chroot, place_text(way, words[0]));
}

/* In mounts of its own, which nobody sees. */
static long pivot(struct way *way, char **words) {
  const long path = place_text(way, words[0]), none = place_text(way, "none");
  long answer = CALL(way, SYS_unshare, CLONE_NEWNS);
  if (answer == 0) {
    answer = CALL(way, SYS_mount, none, place_text(way, "/"), 0, MS_REC | MS_PRIVATE, 0);
  }
  if (answer == 0) {
    answer = CALL(way, SYS_mount, none, path, place_text(way, "tmpfs"), 0, 0);
  }
  if (answer == 0) {
    answer = CALL(way, SYS_chdir, path);
  }
  const long here = place_text(way, ".");
  return answer != 0 ? answer : CALL(way, SYS_pivot_root, here, here);
}

/* A module that is none: who may load modules is told so. */
static long load_module(struct way *way, char **words) {
  (void)words;
  const long answer = CALL(way, SYS_init_module, ROOM(way, 64), 64, place_text(way, ""));
  return answer == -ENOEXEC ? 0 : answer;
}

/* With a flag that there is not: who may load a kernel is told so. */
static long load_kernel(struct way *way, char **words) {
  (void)words;
  const long answer = CALL(way, SYS_kexec_load, 0, 0, 0, 0x8000);
  return answer == -EINVAL ? 0 : answer;
}

/* What Ctrl-Alt-Del does. */
static long set_reboot(struct way *way, char **words) {
  (void)words;
  return CALL(way, SYS_reboot, (long)LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
              LINUX_REBOOT_CMD_CAD_OFF);
}

/* Into a file that is not there: who may account is told so. */
static long account(struct way *way, char **words) {
  (void)words;
  const long answer = CALL(way, SYS_acct, place_text(way, "/nonexistent/promise"));
  return answer == -ENOENT ? 0 : answer;
}

/* A file that is no swap space: who may swap is told so. */
static long swap_on(struct way *way, char **words) {
  const long answer = CALL(way, SYS_swapon, place_text(way, words[0]), 0);
  return answer == -EINVAL ? 0 : answer;
}

static long read_log(struct way *way, char **words) {
  (void)words;
  const long read_all = 3;
  return CALL(way, SYS_syslog, read_all, ROOM(way, 64), 64);
}

/* Sets the frequency that the clock has. */
static long set_clock(struct way *way, char **words) {
  (void)words;
  struct timex clock = {0};
  const long at = PLACE(way, clock);
  long answer = CALL(way, SYS_adjtimex, at);
  if (answer < 0) {
    return answer;
  }
  way->fetch(way, at, &clock, sizeof clock);
  clock.modes = ADJ_FREQUENCY;
  answer = CALL(way, SYS_adjtimex, PLACE(way, clock));
  return answer < 0 ? answer : 0;
}

static long set_host_name(struct way *way, char **words) {
  (void)words;
  struct utsname names;
  const long at = ROOM(way, sizeof names);
  const long answer = CALL(way, SYS_uname, at);
  if (answer < 0) {
    return answer;
  }
  way->fetch(way, at, &names, sizeof names);
  return CALL(way, SYS_sethostname, place_text(way, names.nodename), (long)strlen(names.nodename));
}

static long use_ports(struct way *way, char **words) {
  (void)words;
#ifdef SYS_iopl
  return CALL(way, SYS_iopl, 3);
#else
  (void)way;
  return -ENOSYS;
#endif
}

static long become_root(struct way *way, char **words) {
  (void)words;
  return CALL(way, SYS_setresuid, 0, 0, 0);
}

static const struct {
  const char *name;
  int words;
  long (*run)(struct way *way, char **words);
} probes[] = {
    {"read", 1, read_file},
    {"read-at", 2, read_at},
    {"list", 1, list_directory},
    {"write-at", 2, write_at},
    {"write-text", 2, write_text},
    {"open-for-reading", 1, open_for_reading},
    {"open-for-writing", 1, open_for_writing},
    {"make", 1, make_file},
    {"make-node", 1, make_node},
    {"chmod", 2, change_mode},
    {"chown", 3, change_owner},
    {"setxattr", 1, set_attribute},
    {"utimes", 1, set_times},
    {"truncate", 2, truncate_file},
    {"remove", 1, remove_file},
    {"watch", 1, watch_file},
    {"stat", 1, stat_file},
    {"handle", 2, open_by_handle},
    {"execute", 1, execute},
    {"process", 0, make_process},
    {"connect-path", 1, connect_path},
    {"connect-abstract", 1, connect_abstract},
    {"connect-tcp", 1, connect_tcp},
    {"listen-tcp", 0, listen_tcp},
    {"send-udp", 1, send_udp},
    {"socket", 3, make_socket},
    {"change-link", 0, change_link},
    {"signal", 1, send_signal},
    {"trace", 1, trace},
    {"read-memory", 2, read_memory},
    {"take-descriptor", 2, take_descriptor},
    {"limit", 1, set_limit},
    {"affinity", 1, set_affinity},
    {"priority", 1, set_priority},
    {"scheduler", 1, set_scheduler},
    {"io-priority", 1, set_io_priority},
    {"read-key", 1, read_key},
    {"read-users-key", 1, read_users_key},
    {"shared-memory", 1, use_shared_memory},
    {"semaphore", 1, use_semaphore},
    {"message-queue", 1, use_message_queue},
    {"posix-queue", 1, open_posix_queue},
    {"bpf", 0, make_map},
    {"perf", 1, count_events},
    {"io-uring", 0, make_ring},
    {"userfaultfd", 1, handle_faults},
    {"mount", 1, mount_tree},
    {"fsopen", 0, open_file_system},
    {"unshare", 1, unshare_kind},
    {"namespaces-socket", 0, socket_in_namespaces},
    {"setns", 1, enter_namespace},
    {"chroot", 1, change_root},
    {"pivot-root", 1, pivot},
    {"init-module", 0, load_module},
    {"kexec", 0, load_kernel},
    {"reboot", 0, set_reboot},
    {"acct", 0, account},
    {"swapon", 1, swap_on},
    {"syslog", 0, read_log},
    {"clock", 0, set_clock},
    {"host-name", 0, set_host_name},
    {"ports", 0, use_ports},
    {"become-root", 0, become_root},
};

int probe_main(struct way *way, int count, char **words) {
  for (size_t i = 0; count > 0 && i < sizeof probes / sizeof *probes; ++i) {
    if (strcmp(probes[i].name, words[0]) != 0 || probes[i].words != count - 1) {
      continue;
    }
    const long answer = probes[i].run(way, words + 1);
    if (answer >= 0 || answer < -4095) {
      return 0;
    }
    const char *name = strerrorname_np((int)-answer);
    printf("%s\n", name != NULL ? name : "an unknown error");
    return 1;
  }
  fprintf(stderr, "there is no such probe, or not with so many arguments\n");
  return 2;
}
