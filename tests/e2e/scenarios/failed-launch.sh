#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What fails to start leaves nothing: no label, no owner, no hold, be it in a command or in a daemon
# that lives on.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

make_domain a
make_domain b
sed "s#$DIR/images/b.img#$DIR/images/a.img#" "$DIR/b.xml" >"$DIR/b-on-a.xml"
chmod 0600 "$DIR/images/"*.img
dac=false
if [ "$(id -u)" -eq 0 ]; then
  dac=true
  configure '[confinement]' 'models = landlock, dac'
fi
owner() { stat -c '%u:%g %a' "$DIR/images/a.img"; }
before=$(owner)

# Programs that cannot be started, each for a reason of its own.
printf 'no program' >"$DIR/garbage"
printf '#!/nonexistent/interpreter\n' >"$DIR/script"
printf '#!/bin/sh\n' >"$DIR/plain"
chmod 0755 "$DIR/garbage" "$DIR/script"
chmod 0644 "$DIR/plain"

coproc DAEMON { LD_LIBRARY_PATH=$LIBRARIES exec "$SVIRT_TEST/living_daemon" "$ROOT"; }
# shellcheck disable=SC2153 # coproc makes it
daemon=$DAEMON_PID
# Those that coproc makes are closed in subshells.
exec 8>&"${DAEMON[1]}" 9<&"${DAEMON[0]}"
ask() {
  local line
  printf '%s\n' "$*" >&8
  IFS= read -r -t 60 line <&9
  printf '%s\n' "$line"
}
nothing_left() { # WHAT
  equal "$1: nobody holds a label" "" "$(svirt labels)"
  equal "$1: the disk is whose it was" "$before" "$(owner)"
  contains "$1: the daemon restores it, which is nothing" '^ok' ask restore "$DIR/a.xml"
  contains "$1: its disk is free for another domain" '^t' \
    svirt run "$DIR/b-on-a.xml" -- /usr/bin/head -c 1 "$DIR/images/a.img"
}

contains "a working directory that is not there" 'status -35: .*/nonexistent' \
  ask launch "$DIR/a.xml" /nonexistent /usr/bin/true
nothing_left "after a bad directory"
contains "a program that is not there" 'status -35: .*/nonexistent' \
  ask launch "$DIR/a.xml" / /nonexistent
nothing_left "after a missing program"
contains "a file that is no program" 'status -[0-9]+: .*garbage' ask launch "$DIR/a.xml" / "$DIR/garbage"
nothing_left "after a file that is no program"
contains "a script without its interpreter" 'status -[0-9]+: .*script' ask launch "$DIR/a.xml" / "$DIR/script"
nothing_left "after a script without its interpreter"
contains "a file that may not be executed" 'status -[0-9]+: .*plain' ask launch "$DIR/a.xml" / "$DIR/plain"
nothing_left "after a file that may not be executed"
if $dac; then
  mkdir -m 0700 "$DIR/closed"
  cp /usr/bin/true "$DIR/closed/"
  contains "a program that the guest's user cannot reach" 'status -[0-9]+: .*closed' \
    ask launch "$DIR/a.xml" / "$DIR/closed/true"
  nothing_left "after a program out of reach"
fi

# The command.
for program in "$DIR/garbage" "$DIR/script" "$DIR/plain" /nonexistent; do
  refused "run of $program fails" "$(basename "$program")" svirt run "$DIR/a.xml" -- "$program"
  nothing_left "after run of $program"
done

# Beside a program that runs as the domain, what fails takes nothing from it and holds nothing.
contains "the daemon starts a program" '^ok [0-9]+$' ask launch "$DIR/a.xml" / /usr/bin/sleep 300
child=$(pgrep -P "$daemon" -x sleep)
contains "which holds the labels, and nobody else" "held by  $child\$" svirt labels
contains "a second one does not start" 'status -35' ask launch "$DIR/a.xml" /nonexistent /usr/bin/true
contains "the first one alone holds them still" "held by  $child\$" svirt labels
contains "and they are not restored under it" 'status -33: .*still runs' ask restore "$DIR/a.xml"
kill -KILL "$child"
contains "it ends" '^ended 9' ask wait
contains "and they are put back" '^ok' ask restore "$DIR/a.xml"
nothing_left "at the end"
equal "of the daemon's log lines each is a warning" "0 lines that are no warnings" "$(ask log)"
ok "the daemon has lived all the while" kill -0 "$daemon"
printf 'quit\n' >&8
wait "$daemon"
finish
