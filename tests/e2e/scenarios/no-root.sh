#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What runs as a domain is not root and has no capability, by default and whoever starts it: QEMU, a
# program of 'svirt run', and one that a daemon starts by the library. As root each domain has a user
# of its own, and what user and capabilities guard is refused to another domain's program.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' ' | sed 's/ *$//'; }
make_domain a
make_domain b
chmod 0600 "$DIR/images/b.img"
# Owners, modes and access control lists.
objects() {
  stat -c '%n %u:%g %a' "$DIR/images/"*.img
  getfattr --absolute-names -h -d -e hex -m '^system\.posix_acl' "$DIR/images/"*.img "$GUEST"/*
}
before=$(objects)
for vm in a b; do
  ok "$vm is defined" svirt define "$DIR/$vm.xml"
  ok "$vm starts" svirt start "$vm"
  ok "$vm boots to its console line" wait_for 90 booted "$vm"
done
"$SVIRT" --root "$ROOT" run a -- /usr/bin/sleep 120 &
runner=$!
LD_LIBRARY_PATH=$LIBRARIES "$SVIRT_TEST/daemon" "$ROOT" "$DIR/a.xml" /usr/bin/sleep 120 2>/dev/null &
daemon=$!
ok "a program runs as a" wait_for 10 program_of "$runner" sleep
ok "a daemon runs one, too" wait_for 10 program_of "$daemon" sleep

# privileges WHO PID: none.
privileges() {
  local set
  for set in Inh Prm Eff Bnd Amb; do
    equal "$1 has an empty Cap$set" 0000000000000000 "$(field "$2" "Cap$set")"
  done
  equal "$1 has no supplementary groups" "" "$(field "$2" Groups)"
  # No driver of this machine lets the label change at the execution.
  equal "$1 gains no privileges" 1 "$(field "$2" NoNewPrivs)"
}
qemu=$(pid_of a)
other=$(pid_of b)
privileges "QEMU of a" "$qemu"
privileges "QEMU of b" "$other"
privileges "the program of run" "$(program_of "$runner" sleep)"
privileges "the daemon's program" "$(program_of "$daemon" sleep)"

if [ "$(id -u)" -ne 0 ]; then
  for pid in "$qemu" "$(program_of "$runner" sleep)" "$(program_of "$daemon" sleep)"; do
    equal "process $pid is its starter's" "$(id -u) $(id -u) $(id -u) $(id -u)" "$(field "$pid" Uid)"
  done
  kill "$(program_of "$runner" sleep)" "$(program_of "$daemon" sleep)"
  wait "$runner" "$daemon"
  ok "a is destroyed" svirt destroy a
  ok "b is destroyed" svirt destroy b
  equal "the images are as before" "$before" "$(objects)"
  finish
fi

id=$(field "$qemu" Uid | cut -d' ' -f1)
ok "a's user is of the range" test "$id" -ge 2100000000 -a "$id" -lt 2100065536
for pid in "$qemu" "$(program_of "$runner" sleep)" "$(program_of "$daemon" sleep)"; do
  equal "process $pid has a's user and no other" "$id $id $id $id" "$(field "$pid" Uid)"
  equal "process $pid has a's group and no other" "$id $id $id $id" "$(field "$pid" Gid)"
done
differ "b has another user" "$id" "$(field "$other" Uid | cut -d' ' -f1)"
contains "a has a session keyring of its own" ' keyring +_ses' \
  setpriv --reuid "$id" --regid "$id" --clear-groups cat /proc/keys
kill "$(program_of "$runner" sleep)" "$(program_of "$daemon" sleep)"
wait "$runner" "$daemon"

# A key of the session in which svirt is called.
case $(uname -m) in
  x86_64) keys='add_key=248 keyctl=250' ;;
  *) keys='add_key=217 keyctl=219' ;;
esac
with_key() {
  perl -e '%n = map { split /=/ } split / /, shift; $none = 0;
    syscall($n{keyctl}, 1, 0, 0, 0, 0) >= 0 or die "join: $!\n";
    ($type, $name, $secret) = ("user", "svirt-test", "secret");
    syscall($n{add_key}, $type, $name, $secret, 6, -3) >= 0 or die "add: $!\n";
    exec @ARGV' "$keys" "$@"
}
# shellcheck disable=SC2016 # Perl's
find_key='%n = map { split /=/ } split / /, shift; ($type, $name) = ("user", "svirt-test");
  syscall($n{keyctl}, 10, -3, $type, $name, 0) >= 0 or die "no key: $!\n"'
ok "without svirt the key is found" with_key perl -e "$find_key" "$keys"
refused "confined as a it is not" 'no key' \
  with_key "$SVIRT" --root "$ROOT" run a -- /usr/bin/perl -e "$find_key" "$keys"

# Programs and files of others, and the host's own.
cp /usr/bin/true "$DIR/program"
chown 1234:1234 "$DIR/program"
# shellcheck disable=SC2016 # Perl's
read_shm='shmread($ARGV[0], $x, 0, 4) or die "shmread: $!\n"'
# attacks LAYERS: what a's program is refused.
attacks() {
  refused "$1: b's QEMU is not ended" 'not permitted' svirt run a -- /usr/bin/kill -TERM "$other"
  refused "$1: nor made slower" 'not permitted|Permission denied' \
    svirt run a -- /usr/bin/renice -n 19 -p "$other"
  refused "$1: nor moved to another processor" 'not permitted' \
    svirt run a -- /usr/bin/taskset -p 1 "$other"
  refused "$1: nor given other limits" 'not permitted' \
    svirt run a -- /usr/bin/prlimit --pid "$other" --nofile=9
  shm=$(svirt run b -- /usr/bin/ipcmk -M 4096 -p 0600 | sed 's/.*: //')
  ok "$1: b's shared memory is b's" svirt run b -- /usr/bin/perl -e "$read_shm" "$shm"
  refused "$1: and refused to a" 'shmread: Permission denied' \
    svirt run a -- /usr/bin/perl -e "$read_shm" "$shm"
  ipcrm -m "$shm"
  refused "$1: a program of somebody else is not made set-user-ID" 'not permitted|Permission denied' \
    svirt run a -- /usr/bin/chmod 4755 "$DIR/program"
  equal "$1: it has the mode that it had" 755 "$(stat -c %a "$DIR/program")"
  for file in "$ROOT/state/labels.db" "$DIR/images/b.img"; do
    mode=$(stat -c '%a %u:%g' "$file")
    refused "$1: the mode of $file is not changed" 'not permitted|Permission denied' \
      svirt run a -- /usr/bin/chmod 0666 "$file"
    refused "$1: nor its owner" 'not permitted|Permission denied' \
      svirt run a -- /usr/bin/chown "$id" "$file"
    refused "$1: nor is it read" 'Permission denied' svirt run a -- /usr/bin/head -c 1 "$file"
    equal "$1: it is as it was" "$mode" "$(stat -c '%a %u:%g' "$file")"
  done
}
# What ids and capabilities refuse is tried without the walls that hide it.
configure '[confinement]' 'without = pid-namespace'
attacks "by default"
configure
refused "b's QEMU is not there for a" 'No such process' svirt run a -- /usr/bin/kill -TERM "$other"
shm=$(ipcmk -M 4096 -p 0666 | sed 's/.*: //')
ok "without svirt shared memory of everybody is there" perl -e "$read_shm" "$shm"
refused "it is not there for a" 'shmread: Invalid argument' svirt run a -- /usr/bin/perl -e "$read_shm" "$shm"
ipcrm -m "$shm"
equal "b runs still" running "$(svirt domstate b)"
for vm in a b; do
  ok "$vm is destroyed" svirt destroy "$vm"
done
equal "the images are as before, and what both have read" "$before" "$(objects)"

configure '[confinement]' 'models = dac' 'without = pid-namespace'
for vm in a b; do
  ok "$vm starts with ids alone" svirt start "$vm"
done
other=$(pid_of b)
id=$(field "$(pid_of a)" Uid | cut -d' ' -f1)
privileges "QEMU of a" "$(pid_of a)"
attacks "by ids alone"
for vm in a b; do
  ok "$vm is destroyed" svirt destroy "$vm"
done

# A domain keeps the models it was started with, whatever the configuration says meanwhile.
models_of() { svirt dominfo "$1" | sed -n 's/^Security model: *//p' | paste -sd' '; }
configure
chosen=$(svirt plugins | sed -n 's/^selected *\([a-z]*\).*/\1/p' | head -n 1)
configure '[confinement]' 'beside = none'
ok "a starts with nothing beside" svirt start a
equal "a is root then" "0 0 0 0" "$(field "$(pid_of a)" Uid)"
privileges "QEMU of a as root" "$(pid_of a)"
configure
equal "with the default back, a has the model it was started with" "$chosen" "$(models_of a)"
contains "what joins it is root, too" '^0$' svirt run a -- /usr/bin/id -u
ok "recover leaves it alone" svirt recover
equal "it is listed" 1 "$(svirt list | grep -c ' a ')"
ok "it is destroyed" svirt destroy a
equal "the images are as before" "$before" "$(objects)"
ok "a starts by default" svirt start a
id=$(field "$(pid_of a)" Uid | cut -d' ' -f1)
configure '[confinement]' 'beside = none'
equal "a has both models all the same" "$chosen dac" "$(models_of a)"
contains "what joins it has its user" "^$id\$" svirt run a -- /usr/bin/id -u
ok "recover leaves it alone" svirt recover
qemu=$(pid_of a)
kill -KILL "$qemu"
ok "its QEMU is killed" wait_for 20 ended "$qemu"
ok "recover gives back what it had when it has ended" svirt recover
equal "the images are as before" "$before" "$(objects)"
configure
ok "a starts by default" svirt start a
configure '[confinement]' 'models = none'
ok "and is destroyed by whom no model is configured" svirt destroy a
equal "the images are as before" "$before" "$(objects)"

# What stands beside fails closed as what is chosen does.
mkdir "$ROOT/plugins"
cp "$PLUGINS"/svirt-*.so "$ROOT/plugins"
PLUGINS=$ROOT/plugins
configure
truncate -s 100 "$ROOT/plugins/svirt-dac.so"
refused "a damaged plugin beside stops the start" 'svirt-dac.so' svirt start a
sed -i "/^directories/a order = $chosen" "$ROOT/svirt.conf"
refused "also where an order does not list it" 'svirt-dac.so' svirt start a
rm "$ROOT/plugins/svirt-dac.so"
configure
refused "one that is gone is missed" 'svirt plugins --forget dac' svirt start a
ok "unless it is gone on purpose" svirt plugins --forget dac
ok "without it a starts under the chosen model alone" svirt start a
equal "which dominfo says" "$chosen" "$(models_of a)"
ok "a is destroyed" svirt destroy a
configure '[confinement]' 'beside = dac'
refused "a configuration that names it is not content with that" \
  'beside in \[confinement\] names the security model dac' svirt start a
finish
