#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Who holds which label, and what is left when an emulator dies by itself.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

make_domain a
make_domain b
equal "nobody holds a label at first" "" "$(svirt labels)"
ok "nothing to recover is no failure" svirt recover
for vm in a b; do
  ok "$vm is defined" svirt define "$DIR/$vm.xml"
  ok "$vm starts" svirt start "$vm"
done
contains "labels names the domain" '^a \([0-9a-f-]{36}\)$' svirt labels
contains "and the process that keeps its label" "held by +$(pid_of a)$" svirt labels
contains "and the label" "$(label_of a | sed 's/ (enforcing)//')" svirt labels
contains "metrics count both" '^svirt_domains\{state="running"\} 2$' svirt metrics
contains "and their labels" '^svirt_labels_held\{model="[a-z]+",type="dynamic"\} 2$' svirt metrics

ok "recover leaves running domains alone" svirt recover
equal "a runs on" running "$(svirt domstate a)"
a=$(pid_of a)
kill -9 "$a"
ok "a's emulator dies" wait_for 20 ended "$a"
contains "its labels are kept for what it may have left" 'held by +ended' svirt labels
contains "metrics say so" '^svirt_domains\{state="ended"\} 1$' svirt metrics
ok "recover gives them back" svirt recover
lacks "a holds nothing any more" '^a ' svirt labels
equal "and has no run directory" 1 "$(find "$ROOT/run/domains" -mindepth 1 -maxdepth 1 -type d | wc -l)"
equal "a is shut off" "shut off" "$(svirt domstate a)"
equal "b runs on" running "$(svirt domstate b)"
ok "a starts again" svirt start a
for vm in a b; do
  ok "$vm is destroyed" svirt destroy "$vm"
done
equal "nobody holds a label at the end" "" "$(svirt labels)"
finish
