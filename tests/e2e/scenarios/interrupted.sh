#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# svirt is killed, or its calls fail, at some of the system calls of start and destroy, with the real
# emulator. After 'svirt recover' no emulator is there that nobody knows, list and labels agree, and
# the domain can be started and ended as if nothing had happened.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"
# shellcheck source=tests/e2e/strike.sh
. "$SVIRT_TEST/strike.sh"

# A guest that boots nothing is emulator enough, and is there sooner.
make_domain a
sed -i '/<kernel>/d; /<initrd>/d; /<cmdline>/d; s/>192</>16</' "$DIR/a.xml"
ok "a is defined" svirt define "$DIR/a.xml"

objects() { stat -c '%n %F %a %u:%g %C' "$DIR/images/"* 2>&1; }
# What there is in the state and run directories while a is shut off. The database's own two further
# files come and go with who reads it.
files() { find "$ROOT" ! -name '*-shm' ! -name '*-wal' -printf '%P %y %m %u:%g\n' | sort; }
# Every process that is there for a: emulators and commands, known or not.
processes() { pgrep -f -- "$DIR/" | paste -sd' '; }
only_process() { [ "$(processes)" = "$1" ]; }
holders() { svirt labels | sed -n 's/^ *held by *//p' | paste -sd' '; }

# out_of_order: says what is not as it must be; nothing if all is.
out_of_order() {
  local pid seen owned
  pid=$(pid_of a)
  # While it runs, what is its own is its user's.
  owned=$objects
  [ -z "$pid" ] || owned=${objects// 0:0 / $(stat -c '%u:%g' "/proc/$pid") }
  # Whoever inherits a process may take his time to reap it, and one that waits for svirt to notice
  # its end.
  wait_for 5 only_process "$pid" || seen="processes $(processes) for a at '$pid'"
  [ "$(holders)" = "$pid" ] || seen+=" labels held by '$(holders)' for a at '$pid'"
  [ "$(objects)" = "$owned" ] || seen+=" objects: $(diff <(echo "$owned") <(objects))"
  if [ -n "$pid" ]; then
    label_of a | grep -q '(enforcing)$' || seen+=" label: $(label_of a)"
    [ "$(svirt domstate a)" = running ] || seen+=" state: $(svirt domstate a)"
  elif [ "$(files)" != "$files" ]; then
    seen+=" files: $(diff <(echo "$files") <(files))"
  fi
  echo "$seen"
}

is_running() { [ -n "$(pid_of a)" ]; }

# round WORD ACTION N [OPTION...]: a strike, and everything that must hold afterwards.
round() {
  wrong=
  if [ "$1" = start ]; then
    is_running && wrong=$(must svirt destroy a)
  else
    is_running || wrong=$(must svirt start a)
  fi
  strike "${@:2}" -- "$1" a
  [ -n "$struck" ] || return 0 # it has ended before, or that call cannot fail
  case "$2 $1 $status" in
    'fail start 0') is_running || wrong+=" it only says that it succeeds" ;;
    'fail start '*) is_running && wrong+=" it fails and a runs" ;;
    'fail destroy 0') is_running && wrong+=" it only says that it succeeds" ;;
  esac
  wrong+=$(must svirt recover)
  wrong+=$(out_of_order)
  if ! is_running; then
    wrong+=$(must svirt start a)
    wrong+=$(out_of_order)
  fi
  if [ "$1" = start ]; then
    wrong+=$(must svirt destroy a)
    wrong+=$(out_of_order)
  fi
  if [ -n "$wrong" ]; then # what is left now is not to be found wrong again by what follows
    processes | xargs -r kill -KILL 2>/dev/null
    svirt recover >/dev/null 2>&1
  fi
  verdict "$([ -z "$wrong" ] && echo 0 || echo 1)" "$1, call ${*:3}: $struck" "all in order" "$wrong"
}

ok "a starts" svirt start a
ok "a is ended" svirt destroy a
objects=$(objects)
files=$(files)
equal "nothing is out of order before the first strike" "" "$(out_of_order)"

for word in start destroy; do
  [ "$word" = start ] || is_running || svirt start a
  ok "$word is traced" points "$word" a
  while read -r point; do
    # shellcheck disable=SC2086 # words of it
    round "$word" $point </dev/null
  done <"$DIR/points"
done
! is_running || ok "a is ended" svirt destroy a
equal "nothing is out of order at the end" "" "$(out_of_order)"
finish
