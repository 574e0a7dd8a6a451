#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How many system calls one more disk costs under each model of this machine, and what a daemon pays
# to take labels back.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"
# shellcheck source=tests/kernel/guest/call_counts.sh
. "$SVIRT_TEST/call_counts.sh"

chmod 0711 "$DIR" "$DIR/images"
models=landlock
[ "$(id -u)" -ne 0 ] || models='landlock dac'
for model in $models; do
  configure '[confinement]' "models = $model"
  rounds=("$SVIRT_TEST/label_rounds" "$ROOT/svirt.conf")
  export LD_LIBRARY_PATH=$LIBRARIES
  per_disk=$(calls_per_disk "$DIR/images" "${rounds[@]}" "$ROOT/state" "$ROOT/run")
  ok "one more disk costs 17 system calls at most under $model, of which 5 ask who else has it: \
$per_disk" most 17 "$per_disk"
  disks_domain "$DIR/images" one 1
  ok "a daemon labels and restores under $model" count_calls "$DIR/trace" \
    "${rounds[@]}" "$DIR/images/one.xml" 3 "$ROOT/state" "$ROOT/run"
  unset LD_LIBRARY_PATH
  calls=$(calls_between labelled restored "$DIR/trace")
  ok "svirt_restore makes 60 system calls at most under $model: $calls" most 60 "$calls"
done
finish
