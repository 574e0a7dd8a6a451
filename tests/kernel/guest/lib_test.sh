#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016 # scenarios are texts
# Tests of lib.sh: above all that an assertion can fail. Runs anywhere.
set -u
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# scenario STATUS PATTERN: the scenario on stdin ends with STATUS and prints a line like PATTERN.
scenario() {
  local output status
  { echo ". '$here/lib.sh'" && cat; } >"$work/scenario"
  # dmesg as the guest has it, without asking this machine's kernel.
  output=$(cd "$work" && PATH=$work:$PATH bash scenario 2>&1)
  status=$?
  if [ "$status" != "$1" ] || ! grep -qE -e "$2" <<<"$output"; then
    echo "FAILED: expected status $1 and /$2/, got status $status and"
    echo "$output"
    sed 's/^/  | /' "$work/scenario"
    failures=$((failures + 1))
  fi
}

cat >"$work/dmesg" <<'EOD'
#!/bin/sh
cat log
EOD
chmod +x "$work/dmesg"
echo 'audit: avc:  denied  { read } for pid=1 tclass=file' >"$work/log"

scenario 0 '^# 1 assertions, 0 failed' <<<'ok "true" true; finish'
scenario 1 '^not ok 1 - false' <<<'ok "false" false; finish'
scenario 1 'exit status 1' <<<'ok "false" false; finish'
scenario 1 'without assertions' <<<'finish'
scenario 1 "Bail out.*before 'finish', after 1" <<<'ok "true" true; exit 0'
scenario 1 'Bail out' <<<'ok "true" true; exit 77'
scenario 1 'Bail out' <<<'set -u; ok "true" true; echo "$nowhere"; finish'
scenario 1 '^# 2 assertions, 1 failed' <<<'ok "false" false; ok "true" true; finish'

scenario 0 '^ok 1' <<<'refused "r" "No such" cat /nonexistent; finish'
scenario 1 '^not ok 1' <<<'refused "another reason" "Permission denied" cat /nonexistent; finish'
scenario 1 '^not ok 1' <<<'refused "success" "" true; finish'
scenario 1 '^not ok 1' <<<'refused "no command" "" /nonexistent/command; finish'
scenario 1 '^not ok 1' <<<'refused "killed" "" bash -c "kill -9 \$\$"; finish'

scenario 0 '^ok 1' <<<'contains "c" "^b+$" printf "a\nbb\n"; finish'
scenario 1 '#     a$' <<<'contains "c" "^b+$" printf "a\n"; finish'
scenario 1 '^not ok 1' <<<'contains "failure" a sh -c "echo a; exit 1"; finish'
scenario 0 '^ok 1' <<<'lacks "l" "^b+$" echo a; finish'
scenario 1 '^not ok 1' <<<'lacks "l" "^b+$" echo bb; finish'
scenario 1 '^not ok 1' <<<'lacks "failure" "^b+$" false; finish'

scenario 0 '^ok 1' <<<'equal "e" "a b" "a b"; finish'
scenario 1 '#   expected: a b' <<<'equal "e" "a b" "a  b"; finish'
scenario 0 '^ok 1' <<<'differ "d" a b; finish'
scenario 1 '^not ok 1' <<<'differ "d" a a; finish'
scenario 1 '^not ok 1' <<<'differ "nothing" "" a; finish'
scenario 1 '^not ok 1' <<<'ok "w" wait_for 1 false; finish'
scenario 0 '^ok 1' <<<'(sleep 0.5; touch there) & ok "w" wait_for 5 test -e there; finish'

deny='echo "audit: avc:  denied  { write } for pid=2 tclass=file" >>log'
scenario 0 '^ok 1' <<<"avc_mark; $deny; avc a 'write' 'tclass=file'; finish"
scenario 1 '^not ok 1' <<<"avc_mark; $deny; avc a 'write' 'tclass=dir'; finish"
scenario 1 '^not ok 1' <<<"avc_mark; avc 'older than the mark' 'read'; finish"
scenario 0 '^ok 1' <<<"avc_mark; $deny; no_avc a 'tclass=dir'; finish"
scenario 1 '^not ok 1' <<<"avc_mark; $deny; no_avc a 'write'; finish"

[ "$failures" -eq 0 ] && echo "all tests of lib.sh passed"
exit $((failures > 0))
