#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The AppArmor plugin's own tests that need a kernel with AppArmor, and the measurements that do.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

tests=/usr/local/bin/apparmor_kernel_test
capture "$tests"
tap_lines <<<"$seen"
verdict "$status" "the driver's tests on this kernel pass" "exit status 0" "$status"
equal "none of them is skipped" 0 "$(grep -c 'SKIPPED' <<<"$seen")"
/usr/local/bin/apparmor_bench >"$OUT/bench.txt" 2>&1
verdict $? "the benchmark runs" "exit status 0" "$(cat "$OUT/bench.txt")"
tap_lines <"$OUT/bench.txt"
avc_lines | tail -n 20 >"$OUT/denials.log"
finish
