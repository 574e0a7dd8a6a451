#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whoever may not read the domains is told so, and where, and not that there are none.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

make_domain a
make_domain b
for vm in a b; do
  ok "$vm is defined" svirt define "$DIR/$vm.xml"
done
uuid=$(svirt dumpxml --inactive a | sed -n 's/.*<uuid>\(.*\)<.*/\1/p')
definition=$ROOT/state/domains/$uuid.xml

# Root is denied nothing; a user is denied by himself as by others.
as_other() {
  local as=()
  [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid nobody --clear-groups --)
  "${as[@]}" "$SVIRT" --root "$ROOT" "$@"
}
# with_status STATUS CMD...: what CMD prints if it ends with STATUS.
with_status() {
  local expected=$1 status
  shift
  "$@"
  status=$?
  [ "$status" -eq "$expected" ] || echo "exit status $status and not $expected"
}
open_all() {
  chmod 0755 "$DIR"
  chmod -R a+rX "$ROOT"
}

open_all
contains "where all is open, all is told" '^ - +a +shut off$' as_other list --all
contains "and of one, too" "^UUID: +$uuid$" as_other dominfo a

for closed in state state/domains run/domains; do
  chmod 0700 "$ROOT/$closed"
  [ "$(id -u)" -eq 0 ] || chmod 0 "$ROOT/$closed"
  commands=("list" "list --all" "recover")
  [ "$closed" = run/domains ] || commands+=("domstate $uuid" "domstate a" "start a" "destroy a" "undefine a" "dumpxml a" "domstate none")
  for command in "${commands[@]}"; do
    # shellcheck disable=SC2086 # several words
    contains "$closed is closed: $command" "$ROOT/${closed%%/*}.*: Permission denied" \
      with_status 8 as_other $command
  done
  contains "$closed is closed: what needs no domain does without" '^(active|selected) +landlock' \
    as_other plugins
  open_all
  chmod -R u+rwX "$ROOT"
done

chmod 0600 "$definition"
[ "$(id -u)" -eq 0 ] || chmod 0 "$definition"
contains "one definition is closed: list has the others" '^ - +b +shut off$' with_status 11 as_other list --all
contains "and tells why that one is not told" "$definition: Permission denied" \
  with_status 11 as_other list --all
for command in "domstate $uuid" "start $uuid" "domstate a" "domstate none"; do
  # shellcheck disable=SC2086 # several words
  contains "one definition is closed: $command" "$definition: Permission denied" \
    with_status 8 as_other $command
done
lacks "nobody is told to forget what he may not read" undefine with_status 8 as_other domstate a
ok "of the other one all is told" as_other dominfo b
open_all
chmod u+rw "$definition"

if [ "$(id -u)" -eq 0 ]; then
  contains "what is another user's is not started" "$ROOT/state/.*: Permission denied" \
    with_status 8 as_other start a
fi
contains "nothing has changed" '^ - +a +shut off$' svirt list --all
finish
