#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# 'svirt run' beside a running domain of the same name: the domain's record stays as it is, to the
# byte, whatever becomes of the program.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

make_domain a
ok "a is defined" svirt define "$DIR/a.xml"
ok "a starts" svirt start a
uuid=$(svirt dumpxml a | sed -n 's/.*<uuid>\(.*\)<.*/\1/p')
place=$ROOT/run/domains/$uuid
record() { stat -c '%i %y' "$place.json" && cat "$place.json"; }
holders() { svirt labels | sed -n 's/^ *held by *//p' | paste -sd' '; }
pid=$(pid_of a)
before=$(record)
sockets=$(find "$place" | sort)
contains "there is a record of it" '"pid": '"$pid" record
equal "its emulator alone holds its labels" "$pid" "$(holders)"
unchanged() {
  equal "$1: the record" "$before" "$(record)"
  equal "$1: the run directory" "$sockets" "$(find "$place" | sort)"
  equal "$1: the state" running "$(svirt domstate a)"
  equal "$1: the process" "$pid" "$(pid_of a)"
  equal "$1: who holds its labels" "$pid" "$(holders)"
}

ok "a program runs beside it" svirt run a -- /bin/true
unchanged "by name"
svirt run "$DIR/a.xml" -- /bin/sh -c 'exit 3'
equal "one from the XML ends with its own status" 3 "$?"
unchanged "from the XML"
refused "one that is not there" 'nonexistent' svirt run a -- /nonexistent
unchanged "after one that is not there"
printf 'no program' >"$DIR/garbage"
chmod 755 "$DIR/garbage"
refused "one that is no program" 'garbage' svirt run a -- "$DIR/garbage"
unchanged "after one that is no program"
for signal in TERM KILL; do
  env --default-signal=TERM "$SVIRT" --root "$ROOT" run a -- /bin/sleep 300 &
  run=$!
  wait_for 20 program_of "$run" sleep >/dev/null
  child=$(program_of "$run" sleep)
  contains "one that sleeps holds the labels, too" "(^|,)$child(,|$)" holders
  equal "and it is not the domain's process" "$pid" "$(pid_of a)"
  kill "-$signal" "$run"
  wait "$run" 2>/dev/null
  kill -KILL "$child" 2>/dev/null
  wait_for 10 ended "$child"
  ok "SIG$signal to the command: recover" svirt recover
  unchanged "after SIG$signal to the command"
done

ok "a is destroyed" svirt destroy a
equal "there is no record of it" "" "$(find "$ROOT/run/domains" -mindepth 1)"
equal "and nobody holds a label" "" "$(svirt labels)"
finish
