#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGINT and SIGTERM at many points of a start: it is undone as one that fails, by the command itself,
# or it is done. The same of label and attach-device. destroy and restore go on to their end, recover to
# that of the domain at which it is.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

# A guest that boots nothing is emulator enough, and is there sooner.
make_domain a
sed -i '/<kernel>/d; /<initrd>/d; /<cmdline>/d; s/>192</>16</' "$DIR/a.xml"
disk=$DIR/images/a.img
chmod 600 "$disk"
ok "a is defined" svirt define "$DIR/a.xml"
uuid=$(svirt dumpxml a | sed -n 's/.*<uuid>\(.*\)<.*/\1/p')
ok "a starts" svirt start a
ok "a is ended" svirt destroy a

objects() { stat -c '%n %F %a %u:%g' "$DIR/images/"* && getfacl -cp "$disk"; }
files() { find "$ROOT" ! -name '*-shm' ! -name '*-wal' -printf '%P %y %m %u:%g\n' | sort; }
emulators() { pgrep -f "^/usr/bin/qemu.*$disk" | paste -sd' '; }
objects=$(objects)
files=$(files)

# left: what of a domain that does not run is not as it was.
left() {
  local seen
  seen=$(emulators)
  [ -z "$seen" ] || echo "emulators $seen"
  seen=$(svirt labels)
  [ -z "$seen" ] || echo "labels: $seen"
  [ "$(objects)" = "$objects" ] || diff <(echo "$objects") <(objects)
  [ "$(files)" = "$files" ] || diff <(echo "$files") <(files)
  [ "$(svirt domstate a)" = 'shut off' ] || echo "state $(svirt domstate a)"
}
equal "nothing is left before the first signal" "" "$(left)"

# begin ARGS...: 'svirt ARGS' in the background, its pid in $command.
begin() {
  : >"$DIR/said"
  # A shell that is not interactive has its children in the background ignore INT.
  env --default-signal=INT "$SVIRT" --root "$ROOT" "$@" >/dev/null 2>"$DIR/said" &
  command=$!
  local name
  # A signal before would be the shell's that becomes the command.
  until read -r name <"/proc/$command/comm" && [ "$name" = svirt ]; do :; done
}
# strike SIGNAL: sets $status to that of the command, $said to what it said.
strike() {
  kill "-$1" "$command" 2>/dev/null
  wait_for 20 ended "$command" || kill -KILL "$command"
  wait "$command" 2>/dev/null
  status=$?
  said=$(cat "$DIR/said")
}
code() { echo $((128 + $(kill -l "$1"))); }

undone=0
late=0
for signal in INT TERM; do
  for ms in $(seq 0 16 240); do
    begin start a
    sleep "$(printf '0.%03d' "$ms")"
    strike "$signal"
    wrong=
    if [ "$status" -eq 0 ]; then
      late=$((late + 1))
      [ "$(svirt domstate a)" = running ] || wrong="it says that a is started"
      ok "a is ended" svirt destroy a
    else
      [ "$status" -eq "$(code "$signal")" ] || wrong="status $status"
      # Before it has begun anything the signal just ends it.
      [ -z "$said" ] || undone=$((undone + 1))
      [ -z "$said" ] || grep -qx "svirt: SIG$signal ended this before it was done, so what it had begun is undone" <<<"$said" ||
        wrong+=" it says: $said"
    fi
    wrong+=$(left)
    verdict "$([ -z "$wrong" ] && echo 0 || echo 1)" "SIG$signal after $ms ms of a start" "all undone" "$status: $wrong"
  done
done
echo "# $undone starts were undone, $late were done"
[ "$undone" -gt 0 ]
verdict $? "some of the signals came in the middle" "more than 0" "$undone"
ok "a starts afterwards" svirt start a
ok "and ends" svirt destroy a

for signal in INT TERM; do
  # Where it waits for another command.
  exec 7>"$ROOT/state/locks/$uuid.lock"
  flock 7
  begin start a
  sleep 0.7
  strike "$signal"
  exec 7>&-
  equal "SIG$signal while it waits for the lock" "$(code "$signal")" "$status"
  contains "as it says" '^svirt: process .* has held the lock .*; waiting for it was ended by a signal$' \
    echo "$said"
  equal "nothing is left" "" "$(left)"

  # Where it waits for the monitor, and QEMU does not come so far.
  for try in $(seq 20); do
    begin start a
    until emulator=$(pgrep -f "^/usr/bin/qemu.*$disk") || ended "$command"; do :; done
    kill -STOP "$emulator" 2>/dev/null
    sleep 0.3
    ended "$command" || break
    echo "# try $try has stopped it too late"
    kill -CONT "$emulator"
    svirt destroy a >/dev/null
  done
  strike "$signal"
  equal "SIG$signal while it waits for the monitor" "$(code "$signal")" "$status"
  equal "as it says" "svirt: SIG$signal ended this before it was done, so what it had begun is undone" "$said"
  equal "nothing is left" "" "$(left)"
done

for signal in INT TERM; do
  for ms in 0 15 30 45 60 90; do
    begin label "$DIR/a.xml"
    sleep "$(printf '0.%03d' "$ms")"
    strike "$signal"
    wrong=
    if [ "$status" -eq 0 ]; then
      wrong=$(svirt restore a 2>&1 >/dev/null)
    else
      [ "$status" -eq "$(code "$signal")" ] || wrong="status $status: $said"
    fi
    wrong+=$(left)
    verdict "$([ -z "$wrong" ] && echo 0 || echo 1)" "SIG$signal after $ms ms of label" "all or nothing" "$status: $wrong"
    svirt start a >/dev/null
    begin destroy a
    sleep "$(printf '0.%03d' "$ms")"
    strike "$signal"
    wrong=
    # Before it has begun anything the signal just ends it.
    if [ "$status" -ne 0 ]; then
      [ "$(svirt domstate a)" = running ] || wrong="status $status: $said, and a is $(svirt domstate a)"
      svirt destroy a >/dev/null || wrong+=" destroy fails"
    fi
    wrong+=$(left)
    verdict "$([ -z "$wrong" ] && echo 0 || echo 1)" "SIG$signal after $ms ms of destroy" "all or nothing" "$status: $wrong"
  done
done

# In the middle of labelling: the first of two disks is being labelled.
install -m 755 -d "$DIR/plugins"
install -m 755 "$ZOO/svirt-hang-set.so" "$DIR/plugins/"
PLUGINS=$DIR/plugins
configure '[confinement]' 'models = hang-set'
make_disk b vdb
sed "s#<serial#$(tr -d '\n' <"$DIR/b-disk.xml")<serial#" "$DIR/a.xml" >"$DIR/two.xml"
ok "a gets a second disk" svirt define "$DIR/two.xml"
for signal in INT TERM; do
  touch "$disk.hang"
  begin start a
  sleep 0.5
  kill "-$signal" "$command"
  sleep 0.2
  rm "$disk.hang"
  strike "$signal"
  equal "SIG$signal while it labels" "$(code "$signal")" "$status"
  equal "as it says" "svirt: SIG$signal ended this before it was done, so what it had begun is undone" "$said"
  equal "no emulator runs" "" "$(emulators)"
  equal "nobody holds a label" "" "$(svirt labels)"
  equal "no disk bears one" 0 "$(getfattr -d "$DIR/images/"*.img 2>/dev/null | grep -c hang-set)"
  equal "a is shut off" 'shut off' "$(svirt domstate a)"
done
labelled() { getfattr -d "$DIR/images/"*.img 2>/dev/null | grep -c hang-set; }
# in_the_middle SIGNAL COMMAND...: where the first of two disks is being given its label back.
in_the_middle() {
  touch "$disk.hang"
  begin "${@:2}"
  sleep 0.5
  kill "-$1" "$command"
  sleep 0.2
  rm "$disk.hang"
  wait_for 20 ended "$command" || kill -KILL "$command"
  wait "$command" 2>/dev/null
  status=$?
  said=$(cat "$DIR/said")
}
for signal in INT TERM; do
  ok "a starts" svirt start a
  equal "both disks bear a label" 2 "$(labelled)"
  in_the_middle "$signal" destroy a
  equal "SIG$signal while destroy gives labels back: it goes on to its end" 0 "$status"
  equal "no disk bears one" 0 "$(labelled)"
  equal "nobody holds a label" "" "$(svirt labels)"
  ok "both disks are labelled" svirt label "$DIR/two.xml"
  in_the_middle "$signal" restore a
  equal "SIG$signal while restore gives labels back: it goes on to its end" 0 "$status"
  equal "no disk bears one" 0 "$(labelled)"
  equal "nobody holds a label" "" "$(svirt labels)"
  ok "a starts" svirt start a
  kill -KILL "$(emulators)"
  in_the_middle "$signal" recover
  equal "SIG$signal while recover gives labels back: it ends by it" "$(code "$signal")" "$status"
  equal "as it says" "svirt: a signal ended this before it was done; 'svirt recover' goes on where it stopped" "$said"
  equal "no disk bears one" 0 "$(labelled)"
  equal "nobody holds a label" "" "$(svirt labels)"
  ok "the next one goes on" svirt recover
  exec 7>"$ROOT/state/locks/$uuid.lock"
  flock 7
  begin undefine a
  sleep 0.7
  strike "$signal"
  exec 7>&-
  equal "SIG$signal while undefine waits for the lock" "$(code "$signal")" "$status"
  contains "as it says" 'waiting for it was ended by a signal$' echo "$said"
  equal "a is defined" 'shut off' "$(svirt domstate a)"
done
# Nobody reads what is said of the plugins that it looks for.
ok "a starts" svirt start a
"$SVIRT" --root "$ROOT" -v destroy a 2>&1 | :
equal "a destroy whose words nobody reads goes on: no emulator" "" "$(emulators)"
equal "no disk bears a label" 0 "$(labelled)"
equal "nobody holds one" "" "$(svirt labels)"

# No driver of this machine lets a domain have more than it was started with, so there is none.
configure '[confinement]' 'models = none'
make_domain c
make_disk extra vdb
ok "c is defined" svirt define "$DIR/c.xml"
ok "c starts" svirt start c
ok "and boots" wait_for 90 booted c
pid=$(pid_of c)
listed() { svirt dumpxml c | grep -c 'images/extra.img'; }
opened() { find "/proc/$pid/fd" -lname '*/images/extra.img' | wc -l; }
for signal in INT TERM; do
  for ms in 0 15 30 45 60 90; do
    begin attach-device c "$DIR/extra-disk.xml"
    sleep "$(printf '0.%03d' "$ms")"
    strike "$signal"
    wrong=
    case "$status $(listed)$(opened)" in
      '0 11') svirt detach-device c "$DIR/extra-disk.xml" >/dev/null || wrong="detach-device fails" ;;
      "$(code "$signal") 00") ;;
      *) wrong="status $status: $said listed and opened: $(listed)$(opened)" ;;
    esac
    verdict "$([ -z "$wrong" ] && echo 0 || echo 1)" "SIG$signal after $ms ms of attach-device" "all or nothing" "$wrong"
  done
done
ok "c is destroyed" svirt destroy c

# Nobody reads what the command says: that is no reason to leave a start half done.
unread() { "$SVIRT" --root "$ROOT" -v start c 2>&1 | :; }
unread
equal "a start whose words nobody reads goes on" "running" "$(svirt domstate c)"
ok "c is destroyed" svirt destroy c
"$SVIRT" --root "$ROOT" domstate nobody 2>&-
equal "an error that nobody can read has its status" 4 $?
finish
