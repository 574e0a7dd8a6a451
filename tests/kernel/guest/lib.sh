# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Assertions for scenarios. A scenario is a bash script that begins with
#
#   . "$SVIRT_TEST/lib.sh"
#
# makes its assertions, each with a text that says what is asserted, and ends with `finish`. Output
# is TAP, with what was expected and what was seen. The scenario fails if an assertion fails, if
# there was none, or if it ends before `finish`. What it puts into $OUT comes back to the host; it
# runs in a directory of its own.
#
# A PATTERN is an extended regular expression and is looked for in each line, standard error
# included. A CMD is a command with its arguments, or a function of the scenario.

# What a virtual machine of a scenario can boot: guest/nested-init, which says "SVIRT GUEST OK" and
# what its disk begins with. QEMU inside QEMU is slow enough for the kernel to drown in its own timer
# ticks; GUEST_OPTIONS make time pass with the instructions instead. A boot takes two minutes of CPU
# time, so most scenarios should be content with a guest that has started.
# shellcheck disable=SC2034 # for scenarios
{
  GUEST_KERNEL=/usr/share/svirt-test/guest/vmlinuz
  GUEST_INITRD=/usr/share/svirt-test/guest/initrd.gz
  GUEST_CMDLINE="console=ttyS0 quiet mitigations=off cryptomgr.notests acpi=off nokaslr no_timer_check"
  GUEST_OPTIONS=(-icount "shift=2,sleep=off")
}

tap_count=0
tap_failed=0
tap_finished=false

# Descriptor 3 is the TAP stream, so that an assertion can be made where stdout is captured.
exec 3>&1

tap() { printf '%s\n' "$*" >&3; }

tap_lines() { sed 's/^/#     /' >&3; }

# verdict 0|1 WHAT EXPECTED SEEN
verdict() {
  tap_count=$((tap_count + 1))
  if [ "$1" -eq 0 ]; then
    tap "ok $tap_count - $2"
    return
  fi
  tap_failed=$((tap_failed + 1))
  tap "not ok $tap_count - $2"
  tap "#   expected: $3"
  tap "#   seen:"
  tap_lines <<<"$4"
}

# capture CMD...: sets status and seen.
capture() {
  seen=$("$@" 2>&1 3>&-)
  status=$?
}

# ok WHAT CMD...: CMD succeeds.
ok() {
  local what=$1 seen status
  shift
  capture "$@"
  verdict "$status" "$what" "success of: $*" "exit status $status
$seen"
}

# refused WHAT PATTERN CMD...: CMD fails, saying PATTERN. A command that is not there, or that a
# signal ended, has not been refused anything.
refused() {
  local what=$1 pattern=$2 seen status good=1
  shift 2
  capture "$@"
  if [ "$status" -ge 1 ] && [ "$status" -lt 127 ] && grep -qE -e "$pattern" <<<"$seen"; then
    good=0
  fi
  verdict "$good" "$what" "failure, saying /$pattern/, of: $*" "exit status $status
$seen"
}

# contains WHAT PATTERN CMD...: CMD succeeds, saying PATTERN.
contains() {
  local what=$1 pattern=$2 seen status good=1
  shift 2
  capture "$@"
  if [ "$status" -eq 0 ] && grep -qE -e "$pattern" <<<"$seen"; then
    good=0
  fi
  verdict "$good" "$what" "success, saying /$pattern/, of: $*" "exit status $status
$seen"
}

# lacks WHAT PATTERN CMD...: CMD succeeds and does not say PATTERN.
lacks() {
  local what=$1 pattern=$2 seen status good=1
  shift 2
  capture "$@"
  if [ "$status" -eq 0 ] && ! grep -qE -e "$pattern" <<<"$seen"; then
    good=0
  fi
  verdict "$good" "$what" "success, without /$pattern/, of: $*" "exit status $status
$seen"
}

# equal WHAT EXPECTED SEEN: the two strings are the same.
equal() {
  local good=1
  if [ "$2" = "$3" ]; then
    good=0
  fi
  verdict "$good" "$1" "$2" "$3"
}

# differ WHAT ONE OTHER: both strings are there and they are not the same.
differ() {
  local good=1
  if [ -n "$2" ] && [ -n "$3" ] && [ "$2" != "$3" ]; then
    good=0
  fi
  verdict "$good" "$1" "two different strings" "$2
$3"
}

# wait_for SECONDS CMD...: tries CMD until it succeeds. No assertion by itself: `ok WHAT wait_for ...`
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    if [ "$SECONDS" -ge "$end" ]; then
      return 1
    fi
    sleep 0.2
  done
}

# living_threads PID: how many. That /proc shows a process as a zombie tells of its first one only.
living_threads() { cat "/proc/$1/task/"*/status 2>/dev/null | grep -c '^State:.[^ZX]'; }
ended() { [ "$(living_threads "$1")" -eq 0 ]; }

# label FILE, label_of_pid PID: SELinux context, as stored.
label() { stat -c %C -- "$1"; }
label_of_pid() { tr -d '\0' <"/proc/$1/attr/current"; }

# Denials in the kernel's log, of SELinux and of AppArmor.
# avc_mark: from here on, avc and no_avc see only what is denied later.
avc_seen=0
avc_lines() { dmesg | grep -E 'avc: |apparmor="DENIED"'; }
avc_mark() { avc_seen=$(avc_lines | wc -l); }
avc_new() { avc_lines | tail -n "+$((avc_seen + 1))"; }

# avc WHAT PATTERN...: since the mark something was denied in a line that matches all PATTERNs.
avc() {
  local what=$1 pattern seen rest
  shift
  sleep 0.2 # the audit thread prints it
  seen=$(avc_new)
  rest=$seen
  for pattern; do
    rest=$(grep -E -e "$pattern" <<<"$rest")
  done
  verdict "$([ -n "$rest" ] && echo 0 || echo 1)" "$what" "an AVC matching all of: $*" "$seen"
}

# no_avc WHAT PATTERN: since the mark nothing was denied in a line that matches PATTERN.
no_avc() {
  local good=1 seen
  sleep 0.2
  seen=$(avc_new | grep -E -e "$2")
  if [ -z "$seen" ]; then
    good=0
  fi
  verdict "$good" "$1" "no AVC matching /$2/" "$seen"
}

# Which boot of the machine it is, from 1; see power_cut.
BOOT=$(cat "$SVIRT_TEST/boot" 2>/dev/null)

# power_cut: the last line of a boot that is not the last one of the scenario. What no file system has
# been told to write down is gone; the scenario begins anew, with the machine's own disks as they
# were. Assertions that failed end the scenario instead.
power_cut() {
  [ "$tap_failed" -eq 0 ] && [ "$tap_count" -gt 0 ] || finish
  tap "# power cut $BOOT, after $tap_count assertions"
  sleep 1 # the line is on its way through a pipe and a serial line
  echo b >/proc/sysrq-trigger
  sleep 60
  finish
}

# finish: the last line of a scenario.
finish() {
  tap_finished=true
  tap "1..$tap_count"
  tap "# $tap_count assertions, $tap_failed failed"
  if [ "$tap_count" -eq 0 ]; then
    tap "# a scenario without assertions shows nothing and counts as failed"
    exit 1
  fi
  exit $((tap_failed > 0))
}

tap_end() {
  local status=$?
  if ! $tap_finished; then
    tap "Bail out! the scenario ended with status $status before 'finish', after $tap_count assertions"
    exit 1
  fi
  exit "$status"
}
trap tap_end EXIT
