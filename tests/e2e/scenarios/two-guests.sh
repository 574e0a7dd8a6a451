#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two guests under the driver that is active on this machine: each boots, has a label of its own,
# and what is confined as the first cannot touch what belongs to the second.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

svirt plugins
make_domain a
make_domain b
for vm in a b; do
  ok "$vm is defined" svirt define "$DIR/$vm.xml"
  equal "$vm is shut off" "shut off" "$(svirt domstate "$vm")"
  ok "$vm starts" svirt start "$vm"
  refused "$vm does not start twice" 'running already' svirt start "$vm"
  refused "$vm is not undefined while it runs" 'is running' svirt undefine "$vm"
done
for vm in a b; do
  ok "$vm boots to its console line" wait_for 90 booted "$vm"
  equal "$vm runs" "running" "$(svirt domstate "$vm")"
done
contains "both are listed" '^ [0-9]+ +b +running' svirt list
contains "dominfo shows the model" '^Security model: ' svirt dominfo a
contains "dominfo shows an enforced label" '^Security label: .*\(enforcing\)$' svirt dominfo a
differ "the labels differ" "$(label_of a)" "$(label_of b)"
contains "dumpxml of a running domain shows its label" "<label>" svirt dumpxml a
lacks "its definition does not" "<label>" svirt dumpxml --inactive a

# Landlock's rules are final: more needs a new start, and nothing changes when that is said.
if svirt plugins | grep -q '^selected  *landlock'; then
  make_disk extra vdb
  refused "no disk is attached where the rules are final" 'cannot change what domain .a. may use' \
    svirt attach-device a "$DIR/extra-disk.xml"
  lacks "and none is listed" 'extra' svirt dumpxml a
else
  echo "# the refusal of an attached disk under final rules is skipped: it needs landlock selected"
fi

probe() { svirt run "$1" -- /usr/bin/head -c 13 "$2"; }
contains "confined as a: its own disk is read" '^the disk of a' probe a "$DIR/images/a.img"
refused "confined as a: b's disk is refused" 'Permission denied' probe a "$DIR/images/b.img"
refused "confined as b: a's disk is refused" 'Permission denied' probe b "$DIR/images/a.img"
ok "confined as a: its own disk is written" \
  svirt run a -- /usr/bin/dd if=/dev/zero of="$DIR/images/a.img" bs=1 seek=1000 count=1 conv=notrunc
refused "confined as a: b's disk is not written" 'Permission denied' \
  svirt run a -- /usr/bin/dd if=/dev/zero of="$DIR/images/b.img" bs=1 seek=1000 count=1 conv=notrunc
refused "confined as a: b's console is refused" 'Permission denied' probe a "$DIR/images/b.console"
refused "confined as a: the list of passwords is refused" 'Permission denied' probe a /etc/shadow
refused "confined as a: no file is made beside the images" 'Permission denied' \
  svirt run a -- /usr/bin/touch "$DIR/images/new"
monitor=$(find "$ROOT/run/domains" -name 'monitor*' | head -n 1)
ok "a monitor socket is there" test -S "$monitor"
equal "a still runs after all that" "running" "$(svirt domstate a)"

# The emulator that runs is confined too, and holds only its own.
pid=$(pid_of a)
ok "a's process is known" test -d "/proc/$pid"
links() { readlink "/proc/$1/fd/"* | grep -v -e '^anon_inode:' -e '^socket:' -e '^/dev/null$'; }
lacks "a's process holds no file of b" '/b\.' links "$pid"

killed=$(pid_of b)
kill -KILL "$killed"
ok "b is killed" wait_for 20 ended "$killed"
equal "a guest that ends by itself is noticed at once" "shut off" "$(svirt domstate b)"
ok "and starts again" svirt start b
for vm in a b; do
  ok "$vm is destroyed" svirt destroy "$vm"
  refused "$vm is not destroyed twice" 'is not running' svirt destroy "$vm"
  ok "$vm is undefined" svirt undefine "$vm"
  refused "$vm is gone" 'there is no domain' svirt dominfo "$vm"
done
# Whoever inherits it may take his time to read its status.
ok "no process is left" ended "$pid"
equal "no run directory is left" "" "$(find "$ROOT/run/domains" -mindepth 1)"
finish
