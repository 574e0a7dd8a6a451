#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A daemon that links libsvirt, under the driver that is active on this machine: it confines as the
# command does, and both see the same domains.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

make_domain a
make_domain b
configure
daemon() { # DOMAIN PROGRAM ARGS
  local vm=$1
  shift
  LD_LIBRARY_PATH=$LIBRARIES "$SVIRT_TEST/daemon" "$ROOT" "$DIR/$vm.xml" "$@"
}
contains "as a: its own disk is read" '^the disk of a' daemon a /usr/bin/head -c 13 "$DIR/images/a.img"
contains "the daemon knows the model" '^model [a-z]+' daemon a /usr/bin/true
refused "as a: b's disk is refused" 'Permission denied' \
  daemon a /usr/bin/head -c 13 "$DIR/images/b.img"
equal "the program's status is the daemon's" 7 "$(daemon a /bin/sh -c 'exit 7' >/dev/null 2>&1; echo $?)"
refused "a program that is not there is told" 'launch: .*nonexistent' daemon a /nonexistent
printf '<domain>' >"$DIR/broken.xml"
refused "broken XML is told" 'verify: status -1' daemon broken /usr/bin/true
lacks "nothing is held afterwards" 'held by' svirt labels

LD_LIBRARY_PATH=$LIBRARIES "$SVIRT_TEST/daemon" "$ROOT" "$DIR/a.xml" /usr/bin/sleep 60 2>/dev/null &
child_of() { pgrep -P "$1" -x sleep; }
ok "it runs" wait_for 10 child_of $!
contains "the command sees who holds a's labels" "held by  $(child_of $!)\$" svirt labels
ok "and runs a program as the same domain" svirt run "$DIR/a.xml" -- /usr/bin/head -c 1 "$DIR/images/a.img"
refused "it is not restored under the program" 'still runs' svirt restore "$DIR/a.xml"
kill "$(child_of $!)"
wait $!
equal "the daemon has seen its end" 104 $?
lacks "and given everything back" 'held by' svirt labels
finish
