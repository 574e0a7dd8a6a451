#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A command that is stopped while it starts a domain, and emulators that are stopped: every other
# domain goes on, and whoever has to wait is told for whom, and may end.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

for vm in a b c d; do
  make_domain "$vm"
  ok "$vm is defined" svirt define "$DIR/$vm.xml"
done
uuid_of() { svirt dumpxml --inactive "$1" | sed -n 's/.*<uuid>\(.*\)<.*/\1/p'; }
uuid=$(uuid_of a)
lock=$ROOT/state/locks/$uuid.lock
place=$ROOT/run/domains/$uuid
is_held() { [ -e "$lock" ] && ! flock -n "$lock" true; }
# Who is stopped in the middle of a transaction holds up all that write, for ten seconds each.
can_write() {
  python3 -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1], timeout=0).execute("BEGIN IMMEDIATE")' "$ROOT/state/labels.db" 2>/dev/null
}

# within SECONDS STATUS WHAT PATTERN CMD...: CMD ends with STATUS in that time, and says so.
within() {
  local most=$1 expected=$2 what=$3 pattern=$4 begin=$SECONDS seen status
  shift 4
  seen=$("$@" 2>&1)
  status=$?
  [ $((SECONDS - begin)) -le "$most" ]
  verdict $? "$what: within $most s" "at most $most s" "$((SECONDS - begin)) s"
  equal "$what: its status" "$expected" "$status"
  contains "$what: what it says" "$pattern" printf '%s\n' "$seen"
}

# stop_start: starts a, and stops that command half way; its pid in $stopped.
stop_start() {
  local tries
  for tries in $(seq 50); do
    "$SVIRT" --root "$ROOT" start a >/dev/null 2>&1 &
    stopped=$!
    until [ -d "$place" ] || ! kill -0 "$stopped" 2>/dev/null; do :; done
    kill -STOP "$stopped" 2>/dev/null
    wait_for 5 grep -q '^State:.*T' "/proc/$stopped/status"
    if is_held && can_write; then
      return 0
    fi
    echo "# try $tries has stopped it elsewhere"
    kill -CONT "$stopped" 2>/dev/null
    wait "$stopped"
    svirt destroy a >/dev/null 2>&1
  done
  return 1
}

ok "b starts" svirt start b
stop_start
verdict $? "a start of a is stopped half way" "a lock that is held" "none"
who="process $stopped \\(svirt .*start a\\), which is stopped and goes on after 'kill -CONT $stopped'"
within 5 0 "list" '^ [0-9]+ +b +running$' svirt list --all
contains "it shows a" '^ [0-9-]+ +a +' svirt list --all
within 8 6 "recover" "$who" svirt recover
within 5 0 "c starts" "'c' started" svirt start c
within 5 0 "c is destroyed" "'c' destroyed" svirt destroy c
within 5 0 "d is defined" "d" svirt define "$DIR/d.xml"
within 5 0 "dominfo of b" 'running' svirt dominfo b
for signal in INT TERM; do
  # A shell that is not interactive has its children in the background ignore INT.
  env --default-signal=INT "$SVIRT" --root "$ROOT" start a 2>/dev/null &
  waiting=$!
  sleep 1
  ok "a second start waits" kill -0 "$waiting"
  kill "-$signal" "$waiting"
  ok "SIG$signal ends it" wait_for 5 ended "$waiting"
  wait "$waiting"
  status=$?
  equal "as that signal does" "$((128 + $(kill -l "$signal")))" "$status"
done
# run blocks the signals that it passes on to its program.
env --default-signal=INT,TERM "$SVIRT" --root "$ROOT" run a -- /bin/true 2>/dev/null &
waiting=$!
sleep 1
kill -TERM "$waiting"
ok "SIGTERM ends a run that waits" wait_for 5 ended "$waiting"
wait "$waiting"
within 45 6 "a second start" "$who, has held the lock $lock since 20[0-9-]+ [0-9:]+" svirt start a
kill -CONT "$stopped"
wait "$stopped"
equal "that goes on, and a starts" 0 "$?"
equal "it runs" running "$(svirt domstate a)"
ok "recover has nothing to say" svirt recover

# Emulators that are stopped.
ok "c starts" svirt start c
emulators=("$(pid_of a)" "$(pid_of b)" "$(pid_of c)")
kill -STOP "${emulators[@]}"
ok "d starts" svirt start d
within 4 11 "list with three stopped emulators" '^ [0-9]+ +d +running$' svirt list
within 4 11 "and it marks them" '^ [0-9]+ +c +unknown$' svirt list
within 5 0 "recover with three stopped emulators" '^$' svirt recover
within 5 0 "d is destroyed" "'d' destroyed" svirt destroy d
within 13 1 "nobody can tell the state of a stopped one" '(did|does) not answer' svirt domstate a
kill -CONT "${emulators[@]}"
for vm in a b c; do
  ok "$vm is destroyed" svirt destroy "$vm"
done
# half_start: a start of a that is killed before it lets the guest go, whose monitor is there already;
# the emulator is stopped.
half_start() {
  local tries start emulator
  for tries in $(seq 50); do
    "$SVIRT" --root "$ROOT" start a >/dev/null 2>&1 &
    start=$!
    until emulator=$(pgrep -f "^/usr/bin/qemu.*$DIR/images/a.img") || ! kill -0 "$start" 2>/dev/null; do :; done
    kill -STOP "$start" 2>/dev/null
    wait_for 10 test -S "$place/monitor.sock"
    kill -STOP "$emulator" 2>/dev/null
    if grep -q '"starting": *true' "$ROOT/run/domains/$uuid.json" && kill -0 "$emulator"; then
      kill -KILL "$start"
      wait "$start" 2>/dev/null
      return 0
    fi
    echo "# try $tries has stopped it elsewhere"
    kill -CONT "$start" "$emulator" 2>/dev/null
    wait "$start"
    svirt destroy a >/dev/null 2>&1
  done
  return 1
}
half_start
verdict $? "a start of a is killed half way, its emulator stopped" "such a one" "none"
within 5 0 "recover with a half started domain that does not answer" '^$' svirt recover
equal "it is shut off" 'shut off' "$(svirt domstate a)"
equal "nobody holds a label" "" "$(svirt labels)"
finish
