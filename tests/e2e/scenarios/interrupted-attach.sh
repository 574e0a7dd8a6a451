#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# svirt is killed, or its calls fail, while it attaches a disk to a running guest. What the domain is
# said to have may be more than its emulator has opened, never less; detach-device puts that right.
# No driver of this machine lets a domain have more than it was started with, so there is none.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"
# shellcheck source=tests/e2e/strike.sh
. "$SVIRT_TEST/strike.sh"

make_domain a
make_disk extra vdb
if svirt plugins | grep -q '^selected  *landlock'; then
  echo "# attaching under landlock is skipped: its rules are final"
fi
configure '[confinement]' 'models = none'
ok "a is defined" svirt define "$DIR/a.xml"
ok "a starts" svirt start a
ok "and boots" wait_for 90 booted a
pid=$(pid_of a)

listed() { svirt dumpxml a | grep -c 'images/extra.img'; }
opened() { find "/proc/$pid/fd" -lname '*/images/extra.img' | wc -l; }
detach() { svirt detach-device a "$DIR/extra-disk.xml"; }

# round ACTION N [OPTION...]: a strike, and everything that must hold afterwards.
round() {
  wrong=
  strike "$@" -- attach-device a "$DIR/extra-disk.xml"
  if [ -n "$struck" ] && [ "$1" = fail ]; then
    # All of it, or nothing.
    [ "$(listed)$(opened)" = "$([ "$status" -eq 0 ] && echo 11 || echo 00)" ] ||
      wrong+=" status $status, listed $(listed), opened $(opened)"
  fi
  wrong+=$(must svirt recover)
  [ "$(listed)" -ge "$(opened)" ] || wrong+=" it is open and not listed"
  [ "$(listed)" -eq 0 ] || wrong+=$(must detach)
  [ "$(listed)$(opened)" = 00 ] || wrong+=" in the end: listed $(listed), opened $(opened)"
  [ "$(svirt domstate a)$(pid_of a)" = "running$pid" ] || wrong+=" a is $(svirt domstate a)"
  [ -z "$struck" ] ||
    verdict "$([ -z "$wrong" ] && echo 0 || echo 1)" "call ${*:2}: $struck" "all in order" "$wrong"
}

ok "attach-device is traced" points attach-device a "$DIR/extra-disk.xml"
ok "what it has attached is detached" detach
while read -r point; do
  # shellcheck disable=SC2086 # words of it
  round $point </dev/null
done <"$DIR/points"
ok "a is destroyed" svirt destroy a
equal "nothing is left in the run directory" "" "$(find "$ROOT/run/domains" -mindepth 1)"
finish
