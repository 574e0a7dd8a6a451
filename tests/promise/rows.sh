# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The rows of the promise table, and how each is tried: without svirt, as a program of domain a, and
# inside a's QEMU. For a scenario that has sourced kernel/guest/lib.sh and set: svirt, pid_of; programs
# (where probe, inject and targets are), domain_programs (probe and targets for domains), name (of what
# is made, unique on the machine); images (has the disks of a, b and c), sockets and machine
# (directories, see prepare), state, run and conf (svirt's), work (files of its own), starter_refused
# (yes: who starts the domains, a user or a confined root, may himself be refused a try).
# shellcheck disable=SC2154

key=$((0x51000000 + $$))
measured=$work/measured
probe=$programs/probe
inject=$programs/inject

# prepare: what the probes reach for beside the domains.
prepare() {
  # What is held is held until nobody has this open for writing; see targets.c.
  mkfifo "$work/until"
  install -d -m 1777 "$sockets"
  install -d -m 0711 "$machine"
  mkdir "$machine/mount"
  truncate -s 64K "$machine/private"
  touch "$machine/program"
  chmod 0600 "$machine/private"
}

# named_socket FILE: the domain's console becomes a socket with a name.
named_socket() {
  sed -i "s,<serial type='file'>,<serial type='unix'>,
    s,<source path='.*console'/>,<source mode='bind' path='$sockets/serial'/>," "$1"
}

# hold PROGRAM...: starts targets, and waits until it has made what it holds. By pipes, since a policy
# may keep a domain from the files.
hold() {
  local said=$work/held-${#held[@]}
  : >"$said"
  cat <"$work/until" 8>&- | "$@" 8>&- | cat >"$said" 8>&- &
  held+=($!)
  ok "$setting: what the probes reach for is there: $*" wait_for 30 grep -q ready "$said"
}
as() { # USER PROGRAM...
  if [ "$1" = "$(id -u)" ]; then
    "${@:2}"
  else
    setpriv --reuid "$1" --regid "$1" --clear-groups -- "${@:2}"
  fi
}
first_map() { sed -n 's/^\([0-9a-f]*\)-[0-9a-f]* r.*/0x\1/p' "/proc/$1/maps" | head -n 1; }
disk_fd() {
  find "/proc/$1/fd" -lname "$images/b.img" -printf '%f\n' | head -n 1
}
run_directory() { readlink "/proc/$1/cwd"; }

# row TITLE PROBE ARGUMENTS...: one try without svirt, and one each way that a has.
row() { try '' "$@"; }
# row_if NEEDS TITLE PROBE ARGUMENTS...: the same where not every machine has what it needs.
row_if() { try "$@"; }
# cell COLUMN TEXT
cell() { printf '%s\t%s\t%s\t%s\n' "$title" "$1" "$2" "$needs" >>"$measured"; }
cells() { # TEXT
  cell "$setting, run" "$1"
  cell "$setting, QEMU" "$1"
}
answer() { # STATUS: of a try that has printed $seen
  case $1 in
    0) echo open ;;
    1) echo "no: ${seen:-$(tail -n 1 "$work/said")}" ;;
    1[3-9]?) echo "no: SIG$(kill -l $(($1 - 128)))" ;;
    *) echo "failed with $1: $(tail -n 1 "$work/said")" ;;
  esac
}
try() {
  local needs=$1 seen without
  title=$2
  shift 2
  touch "$images/spare"
  seen=$("$probe" "$@" 2>"$work/said")
  without=$(answer $?)
  # Root may lack a capability in a container; what is b's is b's user's in any case.
  if [ "$without" = 'no: EPERM' ] && [ "$(id -u)" -eq 0 ] && [[ " $* " = *" $b "* ]]; then
    seen=$(as "$id" "$probe" "$@" 2>"$work/said")
    without=$(answer $?)
  fi
  case $without in
    open) ;;
    'no: EPERM' | 'no: EACCES')
      if [ $starter_refused = yes ]; then
        cells "not tried: ${without#no: } without svirt"
        return
      fi
      ;;&
    *)
      if [ -z "$needs" ]; then
        verdict 1 "without svirt: $title" "success of: probe $*" "$without"
      else
        echo "# not tried here: $title ($without): needs $needs"
      fi
      cells "not tried: needs ${needs:-what this machine lacks}"
      return
      ;;
  esac
  touch "$images/spare"
  seen=$(svirt run a -- "$domain_programs/probe" "$@" 2>"$work/said")
  cell "$setting, run" "$(answer $?)"
  touch "$images/spare"
  seen=$("$inject" "$a" "$@" 2>"$work/said" 8>&-)
  seen=$(answer $?)
  cell "$setting, QEMU" "$seen"
  # A list of system calls ends QEMU, or one of its threads; what worked may have changed it for good.
  case $seen/$1 in
    no:\ SIG* | open/execute | open/unshare | open/namespaces-socket | open/setns | open/chroot | \
      open/pivot-root | open/become-root)
      svirt destroy a >"$work/again" 2>&1 # or it has ended
      ok "$setting: QEMU has ended after the try: $title" wait_for 10 ended "$a"
      ok "$setting: and starts again" svirt start a
      a=$(pid_of a)
      ;;
  esac
}

# A column: everything that a tries under the configuration that holds.
setting() {
  setting=$1
  local held=()
  for vm in b c a; do
    ok "$setting: $vm starts" svirt start $vm
  done
  a=$(pid_of a)
  b=$(pid_of b)
  id=$(stat -c %u "/proc/$b")
  exec 8<>"$work/until"
  hold svirt run b -- "$domain_programs/targets" $key "$name"
  # What b could not make, or others cannot see of it.
  hold as "$id" "$programs/targets" $key "$name"
  hold "$programs/targets" $key "$name" "$machine"
  port=$(sed -n 's/^port //p' "$work/held-2")

  # What is refused below is not refused because nothing works.
  ok "$setting: a program of a reads its own disk" \
    svirt run a -- "$domain_programs/probe" read "$images/a.img"
  ok "$setting: so does QEMU, which is made to" "$inject" "$a" read "$images/a.img"

  rows_against_domains
  rows_against_machine

  equal "$setting: b runs after all that" running "$(svirt domstate b)"
  exec 8>&-
  wait "${held[@]}"
  rm -f "$machine/closed" "$machine/open"
  for vm in a b c; do
    ok "$setting: $vm is destroyed" svirt destroy $vm
  done
  rm -f "$sockets/serial"
}

rows_against_domains() {
  local disk=$images/b.img map owner
  map=$(first_map "$b")
  owner=$(stat -c '%u %g' "$disk")
  row "read its disk" read "$disk"
  row "write its disk" write-at "$disk" 524288
  row "truncate its disk" truncate "$disk" 1048576
  row "chmod of its disk" chmod "$disk" 600
  # shellcheck disable=SC2086 # two words
  row "chown of its disk" chown "$disk" $owner
  row "setxattr of its disk" setxattr "$disk"
  row "utimes of its disk" utimes "$disk"
  row "its disk by file handle" handle "$disk" "$images"
  row "its disk through /proc/PID/fd" read "/proc/$b/fd/$(disk_fd "$b")"
  row "its disk by pidfd_getfd" take-descriptor "$b" "$(disk_fd "$b")"
  row "stat of its disk: size and times" stat "$disk"
  row "inotify on its disk" watch "$disk"
  row "remove a file beside its disk" remove "$images/spare"
  row "make a file beside its disk" make "$images/new"
  row "list its run directory" list "$(run_directory "$b")"
  row "connect to its monitor" connect-path "$(run_directory "$b")/monitor.sock"
  row "connect to its named socket" connect-path "$sockets/serial"
  row "connect to its abstract socket" connect-abstract "$name"
  row "read /proc/PID/mem" read-at "/proc/$b/mem" "$map"
  row "read /proc/PID/environ" read "/proc/$b/environ"
  row "read /proc/PID/cmdline" read "/proc/$b/cmdline"
  row "process_vm_readv" read-memory "$b" "$map"
  row "ptrace" trace "$b"
  row "perf_event_open on it" perf "$b"
  row "a signal" signal "$b"
  row "prlimit" limit "$b"
  row "sched_setaffinity" affinity "$b"
  row "sched_setscheduler" scheduler "$b"
  row "setpriority" priority "$b"
  row "ioprio_set" io-priority "$b"
  row "SysV shared memory, mode 0666" shared-memory $key
  row "SysV semaphore, mode 0666" semaphore $key
  row "SysV message queue, mode 0666" message-queue $key
  row_if "POSIX message queues" "POSIX message queue, mode 0666" posix-queue "$name"
  row "POSIX shared memory, mode 0666" read "/dev/shm/$name"
}

rows_against_machine() {
  local cgroup loop='' device=/dev/loop0
  if [ "$(id -u)" -eq 0 ] && loop=$(losetup --find --show "$machine/private"); then
    device=$loop
  fi
  cgroup=$(find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs 2>/dev/null | head -n 1)
  row "read /etc/shadow" read /etc/shadow
  row "read /etc/passwd" read /etc/passwd
  row "read its starter's file, mode 0600" read "$machine/private"
  row "chmod of its starter's file" chmod "$machine/program" 755
  row "make a file in /etc" make "/etc/$name"
  row "make a file in /usr" make "/usr/$name"
  row "make a file in /tmp" make "/tmp/$name"
  row "execute another program" execute /usr/bin/true
  row "make a process" process
  row "read svirt's labels.db" read "$state/labels.db"
  row "write svirt's labels.db" open-for-writing "$state/labels.db"
  row "chmod of svirt's labels.db" chmod "$state/labels.db" \
    "$(stat -c %a "$state/labels.db")"
  row "read the definition of a domain" read \
    "$(find "$state/domains" -name '*.xml' | head -n 1)"
  row "read the status of a domain" read "$(find "$run/domains" -name '*.json' | head -n 1)"
  row "write svirt.conf" open-for-writing "$conf"
  row "connect to a service's socket, mode 0600" connect-path "$machine/closed"
  row "connect to a service's socket, mode 0666" connect-path "$machine/open"
  row "connect to TCP on the loopback device" connect-tcp "$port"
  row "listen on TCP" listen-tcp
  row "send UDP on the loopback device" send-udp "$port"
  row "raw socket" socket 2 3 1
  row "packet socket" socket 17 3 0
  row_if "AF_VSOCK" "vsock socket" socket 40 1 0
  row_if "AF_ALG" "AF_ALG socket" socket 38 5 0
  row "netlink: change a network device" change-link
  row_if "/dev/mem" "open /dev/mem" open-for-reading /dev/mem
  row_if "kernel.dmesg_restrict" "read /dev/kmsg" read /dev/kmsg
  row_if "a loop device to be had" "read a block device of the machine's" read "$device"
  row_if "/dev/loop-control" "open /dev/loop-control" open-for-reading /dev/loop-control
  row_if "/dev/fuse" "open /dev/fuse" open-for-reading /dev/fuse
  row_if "/dev/net/tun" "open /dev/net/tun" open-for-reading /dev/net/tun
  row_if "/dev/kvm" "open /dev/kvm" open-for-reading /dev/kvm
  row "mknod of a block device" make-node "$sockets/node"
  row_if "/proc/kcore" "read /proc/kcore" read /proc/kcore
  row "write below /proc/sys" open-for-writing /proc/sys/kernel/core_pattern
  row_if "/proc/sysrq-trigger" "write /proc/sysrq-trigger" open-for-writing /proc/sysrq-trigger
  row "write below /sys" open-for-writing /sys/kernel/mm/transparent_hugepage/enabled
  row_if "tracefs" "read /sys/kernel/tracing" list /sys/kernel/tracing
  row_if "a cgroup hierarchy" "write cgroup.procs" write-text "$cgroup" 0
  row "a signal to its starter" signal $$
  row "ptrace of its starter" trace $$
  row "read /proc/PID/cmdline of its starter" read "/proc/$$/cmdline"
  row "a key of its starter's session" read-key "$PROMISE_KEY"
  row "a key of its starter's user keyring" read-users-key "$name"
  row_if "kernel.unprivileged_bpf_disabled" "bpf" bpf
  row_if "kernel.perf_event_paranoid" "perf_event_open on a processor" perf -1
  row_if "io_uring" "io_uring_setup" io-uring
  row_if "userfaultfd" "userfaultfd, faults of the kernel, too" userfaultfd 0
  row_if "userfaultfd" "userfaultfd, faults of its own alone" userfaultfd 1
  row "mount" mount "$machine/mount"
  row "fsopen" fsopen
  row_if "user namespaces" "unshare(CLONE_NEWUSER)" unshare 0x10000000
  row_if "user namespaces" "packet socket in namespaces of its own" namespaces-socket
  row "unshare(CLONE_NEWNET)" unshare 0x40000000
  row "setns into its starter's network" setns /proc/$$/ns/net
  row "chroot" chroot /
  row "pivot_root" pivot-root "$machine/mount"
  row "become root: setresuid(0)" become-root
  row_if "a kernel with modules" "init_module" init-module
  row_if "a kernel with kexec" "kexec_load" kexec
  row "reboot" reboot
  row_if "a kernel with accounting" "acct" acct
  row_if "a kernel with swap" "swapon" swapon "$machine/program"
  row_if "kernel.dmesg_restrict" "syslog(2)" syslog
  row "set the clock" clock
  row "sethostname" host-name
  row_if "I/O ports for processes" "iopl" ports
  [ -z "$loop" ] || losetup --detach "$loop"
}
