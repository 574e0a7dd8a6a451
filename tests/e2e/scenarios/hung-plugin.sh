#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A plugin that does not come back: the command says which one hangs in what, and ends; 'svirt
# recover' puts back what it had begun. A daemon is told while it hangs, and asks it nothing more.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

install -m 755 -d "$DIR/plugins"
install -m 755 "$ZOO/svirt-hang-set.so" "$PLUGINS/svirt-dac.so" "$DIR/plugins/"
PLUGINS=$DIR/plugins
configure 'call_timeout = 2'
make_domain a
disk=$DIR/images/a.img
ok "a is defined" svirt define "$DIR/a.xml"
setfattr -n user.svirt-hang-set -v before "$disk" || exit 77
value() { getfattr --only-values -n user.svirt-hang-set "$disk" 2>/dev/null; }
equal "the model that is chosen is the one that can hang" hang-set \
  "$(svirt plan a --json | sed -n 's/^  "model": "\(.*\)",/\1/p')"
objects() { stat -c '%n %F %a %u:%g' "$disk"; }
before=$(objects)
emulators() { pgrep -f "^/usr/bin/qemu.*$disk"; }

# gives_up WHAT STATUS ARGS...: 'svirt ARGS' ends with STATUS within 15 s, and says who hangs.
said="plugin $PLUGINS/svirt-hang-set.so \\(model hang-set\\) has not come back from resource_set_label for $disk for [0-9]+ s; .*'svirt recover'"
gives_up() {
  local what=$1 expected=$2 begin=$SECONDS seen status
  shift 2
  seen=$(timeout -s KILL 60 "$SVIRT" --root "$ROOT" "$@" 2>&1)
  status=$?
  equal "$what: its status" "$expected" "$status"
  contains "$what: what it says" "^svirt: $said" printf '%s\n' "$seen"
  [ $((SECONDS - begin)) -lt 15 ]
  verdict $? "$what: it ends soon" "less than 15 s" "$((SECONDS - begin)) s"
}
all_back() {
  ok "$1: recover puts all back" svirt recover
  equal "$1: the label" before "$(value)"
  equal "$1: the disk" "$before" "$(objects)"
  equal "$1: nobody holds a label" "" "$(svirt labels)"
  equal "$1: no emulator runs" "" "$(emulators)"
  equal "$1: a is shut off" 'shut off' "$(svirt domstate a)"
}

touch "$disk.hang"
gives_up "a start that hangs" 1 start a
rm "$disk.hang"
all_back "after the start"
touch "$disk.hang"
gives_up "a run that hangs" 1 run a -- /bin/true
gives_up "a label that hangs" 1 label "$DIR/a.xml"
rm "$disk.hang"
all_back "after run and label"

# Whoever asks for the end waits no longer.
configure 'call_timeout = 600'
touch "$disk.hang"
for signal in INT TERM; do
  env --default-signal=INT "$SVIRT" --root "$ROOT" start a 2>"$DIR/said" &
  start=$!
  sleep 0.5
  kill "-$signal" "$start"
  ok "SIG$signal ends a start that hangs" wait_for 10 ended "$start"
  wait "$start"
  status=$?
  equal "as that signal does" "$((128 + $(kill -l "$signal")))" "$status"
  contains "and it says who hangs" "^svirt: $said" cat "$DIR/said"
done
rm "$disk.hang"
all_back "after the signals"

ok "a starts" svirt start a
contains "under a label of its own" '^[0-9a-f-]{36}$' value
configure 'call_timeout = 2'
touch "$disk.hang"
gives_up "destroy hangs" 1 destroy a
equal "the emulator has ended" "" "$(emulators)"
gives_up "its recovery hangs as well" 1 recover
rm "$disk.hang"
all_back "after destroy"

# A daemon.
coproc DAEMON { LD_LIBRARY_PATH=$LIBRARIES exec "$SVIRT_TEST/living_daemon" "$ROOT" 2>"$DIR/log"; }
# shellcheck disable=SC2153 # coproc makes it
daemon=$DAEMON_PID
exec 8>&"${DAEMON[1]}" 9<&"${DAEMON[0]}"
tell() { printf '%s\n' "$*" >&8; }
hear() {
  local line
  IFS= read -r -t 60 line <&9
  printf '%s\n' "$line"
}
ask() {
  tell "$@"
  hear
}
contains "the daemon labels a" '^ok' ask label "$DIR/a.xml"
contains "and restores it" '^ok' ask restore "$DIR/a.xml"
touch "$disk.hang"
tell label "$DIR/a.xml"
ok "it is told who hangs" wait_for 20 grep -qE "^plugin .* resource_set_label for $disk for [0-9]+ s" "$DIR/log"
rm "$disk.hang"
contains "what hung comes back" '^(ok|status)' hear
late="status -32: .*plugin $PLUGINS/svirt-hang-set.so did not come back from resource_set_label in time"
contains "then the plugin is asked nothing more to label" "$late" ask label "$DIR/a.xml"
equal "the daemon is told once" 1 "$(grep -c 'has not come back' "$DIR/log")"
tell quit
ok "its context closes" wait_for 10 ended "$daemon"
wait "$daemon"
equal "and it ends as it should" 0 "$?"
ok "another process restores a" svirt restore "$DIR/a.xml"
all_back "after the daemon"
finish
