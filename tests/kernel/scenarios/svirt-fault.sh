#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# svirt-fault.sh MODEL STRIDE [OPTION...]: a start, an attach, a detach and a stop under the plugin of
# this kernel, killed, and made to fail, at every STRIDE-th of their system calls.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

model=$1 stride=$2
shift 2
plugins=$(dirname "$(find /usr/lib -name "svirt-$model.so")")
fault_test=/usr/local/bin/fault_test
# Under SELinux it stays in the domain of a service's script, which may relabel, too: the one in
# which svirt works may not trace.
capture "$fault_test" --stride="$stride" --plugins="$plugins" --model="$model" "$@"
tap_lines <<<"$seen"
verdict "$status" "every object has its label back, or belongs to a domain that lives" \
  "exit status 0" "$status"
equal "no kind of work is skipped" 0 "$(grep -c 'SKIPPED' <<<"$seen")"
avc_lines | tail -n 20 >"$OUT/denials.log"
finish
