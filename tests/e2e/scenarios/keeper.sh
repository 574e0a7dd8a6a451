#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whatever a domain's program has left running, however it was forked, has ended when the domain has:
# nothing holds its disk while its labels go back.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

make_domain a
ok "a is defined" svirt define "$DIR/a.xml"
disk=$DIR/images/a.img
before=$(stat -c '%u:%g %a' "$disk")
restored() { [ "$(stat -c '%u:%g %a' "$disk")" = "$before" ]; }
having() { find /proc/[0-9]*/fd -lname "$disk" 2>/dev/null | cut -d/ -f3 | sort -u; }
free() { [ -z "$(having)" ]; }
keeper_of() { sed -n 's/^  "keeper": \([0-9]*\),$/\1/p' "$ROOT"/run/domains/*.json; }

mkdir -p "$DIR/images/share"
sed "s#</devices>#<filesystem type='mount'><source dir='$DIR/images/share'/><target dir='t'/></filesystem></devices>#" \
  "$DIR/a.xml" >"$DIR/a-share.xml"
svirt define "$DIR/a-share.xml" >/dev/null
planned() { svirt plan a || [ $? -eq 10 ]; }
is_off() { [ "$(svirt domstate a)" = 'shut off' ]; }
# Forked twice, deaf to signals, with the disk open.
leave="( (trap '' HUP INT TERM; exec 9<>$disk; : >$DIR/images/share/open; while :; do :; done) & ) & "
wait_until_open="until [ -e $DIR/images/share/open ]; do :; done"
svirt run a -- /bin/sh -c "$leave $wait_until_open; exit 4"
equal "a program that leaves another one running ends with its own status" 4 "$?"
ok "what it left does not have the disk any more" free
ok "the disk is whose it was" restored
equal "nobody holds a label" "" "$(svirt labels)"
rm -f "$DIR/images/share/open"

# The command itself is killed: the program and its keeper go on, and so do the labels.
"$SVIRT" --root "$ROOT" run a -- /bin/sh -c "$leave $wait_until_open; while :; do :; done" &
run=$!
ok "one that goes on" wait_for 20 test -e "$DIR/images/share/open"
keeper=$(pgrep -P "$run")
program=$(pgrep -P "$keeper" | head -n 1)
equal "has a keeper" svirt-keeper "$(cat "/proc/$keeper/comm")"
kill -KILL "$run"
wait "$run" 2>/dev/null
refused "its labels stay while it runs" 'still runs' svirt restore a
kill -KILL "$program"
ok "with the program's end" wait_for 20 ended "$keeper"
ok "nothing has the disk" free
ok "recover" svirt recover
ok "puts the disk back" restored
equal "and leaves no label" "" "$(svirt labels)"

# The emulator of a domain, its keeper, and both.
for victim in emulator keeper; do
  ok "a starts" svirt start a
  pid=$(pid_of a)
  keeper=$(keeper_of)
  contains "dominfo says what it is kept apart by" '^Wall: +pid-namespace, ipc-namespace$' svirt dominfo a
  equal "its keeper is process 1 of its namespace" 1 "$(awk '/^NSpid:/ { print $NF }' "/proc/$keeper/status")"
  equal "its emulator is in it" "$(awk '/^NSpid:/ { print NF }' "/proc/$keeper/status")" \
    "$(awk '/^NSpid:/ { print NF }' "/proc/$pid/status")"
  contains "its labels are held" "held by +$pid\$" svirt labels
  if [ "$victim" = keeper ]; then
    kill -KILL "$keeper"
  else
    kill -KILL "$pid"
  fi
  ok "its $victim is killed: it is shut off" wait_for 20 is_off
  ok "neither lives" ended "$keeper"
  ok "neither lives" ended "$pid"
  ok "nothing has the disk" free
  ok "the disk is whose it was" restored
done
ok "a starts again" svirt start a
pid=$(pid_of a)
keeper=$(keeper_of)
ok "a is destroyed" svirt destroy a
ok "with its keeper" ended "$keeper"
ok "and the disk is back" restored

# Without, and where there is none to be had.
configure '[confinement]' 'without = pid-namespace'
lacks "a plan says that there is none" '^Wall ' planned
ok "a starts without a namespace" svirt start a
contains "dominfo says so" '^Wall: +none$' svirt dominfo a
pid=$(pid_of a)
equal "its emulator is a process like others" 2 "$(awk '/^NSpid:/ { print NF }' "/proc/$pid/status")"
ok "a is destroyed" svirt destroy a
configure '[confinement]' 'without = moat'
refused "a wall that there is not" "'moat' is no wall of svirt; known are pid-namespace, ipc-namespace" svirt list
configure '[confinement]' 'require_wall = yes'
contains "a plan names the walls" '^Wall pid-namespace, ipc-namespace$' planned
# As root of a user namespace in which no namespaces can be made. Others would own / there.
bare() {
  unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_pid_namespaces; exec "$@"' \
    sh "$SVIRT" --root "$ROOT" "$@"
}
if [ "$(id -u)" -eq 0 ] && unshare --user --map-root-user true 2>/dev/null; then
  refused "required, where no namespace can be made" 'gets no process namespace of its own here' \
    bare run a -- /bin/true
  configure
  contains "else it is said" 'warning: a domain gets no process namespace' bare run a -- /bin/true
else
  echo "the rest needs root and user namespaces"
fi
equal "nobody holds a label" "" "$(svirt labels)"
finish
