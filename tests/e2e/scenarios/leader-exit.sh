#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The first thread of an emulator ends by exit(2), as a guest that has taken it over can have it:
# /proc shows a zombie, and the others go on with every file that it had open. It runs.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

make_domain a
make_domain b
sed "s#$DIR/images/b.img#$DIR/images/a.img#" "$DIR/b.xml" >"$DIR/b-on-a.xml"
owner() { stat -c '%u:%g %a' "$DIR/images/a.img"; }
before=$(owner)
if [ "$(id -u)" -eq 0 ]; then
  configure '[confinement]' 'models = landlock, dac'
fi
ok "a is defined" svirt define "$DIR/a.xml"
ok "b is defined, on a's disk" svirt define "$DIR/b-on-a.xml"
ok "a starts" svirt start a
ok "a boots to its console line" wait_for 90 booted a
pid=$(pid_of a)
under_a=$(owner)

ok "its first thread ends" "$SVIRT_TEST/leader_exit" "$pid"
zombie() { grep -q '^State:.Z' "/proc/$pid/status"; }
ok "/proc shows a zombie" wait_for 20 zombie
lacks "others of its threads live" '^0$' living_threads "$pid"

equal "it runs" running "$(svirt domstate a)"
contains "it is listed as one that runs" "^ $pid +a +running\$" svirt list
contains "it holds its labels" "held by +$pid\$" svirt labels
equal "its disk is as it was" "$under_a" "$(owner)"
refused "it does not start a second time" 'running already' svirt start a
refused "it is not undefined" 'is running' svirt undefine a
refused "its disk is not another domain's" 'a\.img is in use by domain a' svirt start b
refused "nor a program's" 'a\.img is in use by domain a' svirt run "$DIR/b-on-a.xml" -- /usr/bin/true
ok "recover" svirt recover
contains "leaves it what it has" "held by +$pid\$" svirt labels
equal "and where it was" "$under_a" "$(owner)"

ok "it is destroyed" svirt destroy a
equal "none of its threads lives" 0 "$(living_threads "$pid")"
equal "it is shut off" "shut off" "$(svirt domstate a)"
equal "nobody holds a label" "" "$(svirt labels)"
equal "its disk is whose it was" "$before" "$(owner)"
ok "the disk is free for b" svirt start b
ok "b is destroyed" svirt destroy b
finish
