#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016 # scenarios are texts
# Tests of run-in-kernel: every way a run can end, the payload, the results, two runs at once.
set -u
here=$(dirname "$(readlink -f "$0")")
"$here/build-image" >/dev/null || exit $?
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# What a signal to the runner may leave behind: nothing. Its children are in a session of their own.
interrupted() {
  local runner
  mkdir "$work/killed.tmp"
  echo 'echo started; sleep 100' >"$work/killed.sh"
  sed -i '1i #!/bin/bash' "$work/killed.sh"
  TMPDIR=$work/killed.tmp setsid "$here/run-in-kernel" --lsm none "$work/killed.sh" \
    >"$work/killed.log" 2>&1 &
  runner=$!
  for _ in {1..600}; do
    grep -q started "$work/killed.log" && break
    sleep 0.2
  done
  kill -TERM "$runner"
  wait "$runner"
  echo $? >"$work/killed.status"
  pgrep -s "$runner" >"$work/killed.left"
}

check() { # check WHAT CMD...
  if "${@:2}"; then
    echo "ok - $1"
  else
    echo "not ok - $1"
    failures=$((failures + 1))
  fi
}

# run NAME OPTIONS...: the scenario on stdin; its status goes to NAME.status, its output to NAME.log
run() {
  local name=$1
  shift
  { echo '#!/bin/bash' && cat; } >"$work/$name.sh"
  # A temporary directory of its own shows what the runner leaves behind.
  mkdir "$work/$name.tmp"
  TMPDIR=$work/$name.tmp "$here/run-in-kernel" --lsm none --out "$work/$name" "$@" \
    >"$work/$name.log" 2>&1
  echo $? >"$work/$name.status"
}

ended() { [ "$(cat "$work/$1.status")" = "$2" ]; }
said() { grep -qE -e "$2" "$work/$1.log"; }
clean() { [ -z "$(ls -A "$work/$1.tmp")" ]; }

mkdir -p "$work/payload/opt/svirt" "$work/empty/usr"
echo '#!/bin/sh
echo "payload says $1"' >"$work/payload/opt/svirt/hello"
if [ "$(id -u)" = 0 ]; then
  chown -R 1000:1000 "$work/payload"
fi
chmod 4755 "$work/payload/opt/svirt/hello" # after chown, which takes the bit away
chmod 700 "$work/payload" "$work/payload/opt"
tar -C "$work/payload" -czf "$work/payload.tar.gz" .

run first --payload "$work/payload" "$work/first.sh" "a  b" '$c' <<'EOD' &
/opt/svirt/hello "$1" && echo "[$2] $#"
stat -c '%n %a %U' / /opt/svirt/hello
echo brought back >"$OUT/file"
(sleep 100 && echo too late) & # a program left behind does not keep the machine running
exit 7
EOD
run second --lsm selinux --payload "$work/payload.tar.gz" --payload "$work/empty" --mem 600 \
  "$work/second.sh" <<'EOD' &
/opt/svirt/hello again
echo a line of the scenario >/dev/kmsg
awk '/MemTotal/ { exit !($2 < 614400) }' /proc/meminfo || exit 1
stat -c '%n %a %U' /
[ -w /etc/shadow ] && echo root
EOD
wait
check "the exit status is the scenario's" ended first 7
check "arguments arrive as they are" said first '^payload says a  b$'
check "all of them" said first '^\[\$c\] 2$'
check "the payload's directories do not change the guest's" said first '^/ 755 root$'
check "nor do those of two" said second '^/ 755 root$'
check "files of the payload keep their mode and belong to root" said first '^/opt/svirt/hello 4755 root$'
check "results come back" grep -q 'brought back' "$work/first/file"
check "with the kernel's log" test -e "$work/first/dmesg.log" -a -e "$work/first/console.log"
check "under SELinux, too" grep -q 'a line of the scenario' "$work/second/dmesg.log"
check "output is kept" grep -q '^payload says' "$work/first/output.log"
check "a payload may be a compressed tar" said second '^payload says again$'
check "memory is as asked for, and success is success" ended second 0

run timeout --timeout 8 "$work/timeout.sh" <<'EOD' &
sleep 100
EOD
run panic "$work/panic.sh" <<'EOD' &
echo 1 >/proc/sys/kernel/sysrq
echo c >/proc/sysrq-trigger
EOD
# What was synced is there in the next boot, what was not is lost, and so is the root.
run boots --disk 16 --boots 2 "$work/boots.sh" <<'EOD' &
. "$SVIRT_TEST/lib.sh"
mount -o commit=600 /dev/vde /mnt
if [ "$BOOT" = 1 ]; then
  ok "a file is written" touch /mnt/synced /mnt/changed /root/left
  sync
  ok "and changed without a sync" chmod 0400 /mnt/changed
  power_cut
fi
ok "it is there" test -e /mnt/synced
equal "the change is lost" 644 "$(stat -c %a /mnt/changed)"
refused "the root is as new" 'No such file' ls /root/left
finish
EOD
run early --boots 2 "$work/early.sh" <<'EOD' &
exit 0
EOD
wait
check "a run that takes too long ends with 124" ended timeout 124
check "and says so" said timeout 'did not end within 8 s'
check "after a power cut the machine boots again" ended boots 0
check "once" said boots '^# 3 assertions, 0 failed$'
check "a scenario that ends without its power cut ends with 125" ended early 125
check "a panic ends with 125" ended panic 125
check "and shows the console" said panic 'Kernel panic|sysrq: Trigger a crash'

interrupted
check "a runner that is told to stop ends so" ended killed 143
check "having started its scenario" said killed '^started$'
check "and leaves no process" test ! -s "$work/killed.left"

for name in first second timeout panic boots early killed; do
  check "$name left no temporary files" clean "$name"
done

# The rest fails before anything is booted.
"$here/run-in-kernel" --lsm smack "$work/first.sh" 2>"$work/log"
check "an unknown module is refused" grep -q 'must be selinux, apparmor or none' "$work/log"
"$here/run-in-kernel" --lsm none "$work/nowhere.sh" 2>"$work/log"
check "so is a scenario that is not there" grep -q 'no scenario' "$work/log"

if [ "$failures" -gt 0 ]; then
  tail -n 40 "$work"/*.log
fi
exit $((failures > 0))
