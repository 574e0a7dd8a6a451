#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# svirt is killed, or its calls fail, at some of the system calls of start and destroy, with the real
# emulator. After 'svirt recover' no emulator is there that nobody knows, list and labels agree, and
# the domain can be started and ended as if nothing had happened.
# SVIRT_FAULT_STRIKES (how many of each kind) and SVIRT_FAULT_OFFSET choose the calls.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

strikes=${SVIRT_FAULT_STRIKES:-10}
offset=${SVIRT_FAULT_OFFSET:-$RANDOM}
echo "# SVIRT_FAULT_STRIKES=$strikes SVIRT_FAULT_OFFSET=$offset"

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
holders() { svirt labels | sed -n 's/^ *held by *//p' | paste -sd' '; }

# out_of_order: says what is not as it must be; nothing if all is.
out_of_order() {
  local pid seen
  pid=$(pid_of a)
  # Whoever inherits a process may take his time to reap it, and one that waits for svirt to notice
  # its end.
  wait_for 5 test "$(processes)" = "$pid" || seen="processes $(processes) for a at '$pid'"
  [ "$(holders)" = "$pid" ] || seen+=" labels held by '$(holders)' for a at '$pid'"
  [ "$(objects)" = "$objects" ] || seen+=" objects: $(diff <(echo "$objects") <(objects))"
  if [ -n "$pid" ]; then
    label_of a | grep -q '(enforcing)$' || seen+=" label: $(label_of a)"
    [ "$(svirt domstate a)" = running ] || seen+=" state: $(svirt domstate a)"
  elif [ "$(files)" != "$files" ]; then
    seen+=" files: $(diff <(echo "$files") <(files))"
  fi
  echo "$seen"
}

# must CMD...: CMD succeeds, or is what is wrong.
must() {
  local seen
  seen=$("$@" 2>&1) || echo "$* fails: $seen"
}

is_running() { [ -n "$(pid_of a)" ]; }

# strike WORD ACTION N [OPTION...]: 'svirt WORD a' is struck at its N-th call. Sets $struck and
# $status, adds to $wrong.
strike() {
  local word=$1 action=$2 said
  shift 2
  said=$("$SVIRT_TEST/fault-trace" "--$action" "$@" -- "$SVIRT" --root "$ROOT" "$word" a 2>&1 >/dev/null)
  status=$?
  struck=$(sed -n 's/^fault-trace: //p' <<<"$said")
  said=$(grep -v -e '^fault-trace: ' -e '^svirt: warning: ' <<<"$said")
  if [ "$action" = fail ] && [ -n "$struck" ]; then
    # It has succeeded, or says why not in one sentence; and what it says is so.
    if [ "$status" -eq 0 ] || [ "$said" = 'svirt: cannot write standard output' ]; then
      [ "$status" -ne 0 ] || [ -z "$said" ] || wrong+=" it succeeds and says: $said"
      if [ "$word" = start ]; then is_running; else ! is_running; fi || wrong+=" it only says that it succeeds"
    else
      [[ $said == 'svirt: '* && $said != *$'\n'* && $status -lt 90 ]] || wrong+=" status $status: $said"
      if [ "$word" = start ] && is_running; then wrong+=" it fails and a runs: $said"; fi
    fi
  fi
}

# round WORD ACTION N [OPTION...]: a strike, and everything that must hold afterwards.
round() {
  wrong=
  if [ "$1" = start ]; then
    is_running && wrong=$(must svirt destroy a)
  else
    is_running || wrong=$(must svirt start a)
  fi
  strike "$@"
  [ -n "$struck" ] || return 0 # it has ended before, or that call cannot fail
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

# calls WORD: the names of its calls, one a line, in $DIR/WORD.calls.
calls() { "$SVIRT_TEST/fault-trace" --list "$DIR/$1.calls" -- "$SVIRT" --root "$ROOT" "$1" a; }

ok "a starts" svirt start a
ok "a is ended" svirt destroy a
objects=$(objects)
files=$(files)
ok "a starts under the tracer" calls start
ok "a is ended under the tracer" calls destroy
equal "nothing is out of order before the first strike" "" "$(out_of_order)"

# some MOST FILE: at most so many of its lines, as far from each other as can be, from one that the
# offset chooses.
some() {
  local step=$((($(wc -l <"$2") + $1 - 1) / $1))
  awk -v step="$step" -v offset="$offset" '(NR + offset) % step == 0' "$2"
}

for word in start destroy; do
  # From the last process on that it makes, a start's emulator, there is more to leave behind. Before
  # it the number of calls is another one each time, since the database's log grows.
  launch=$(grep -n '^clone3$' "$DIR/$word.calls" | tail -n 1 | cut -d: -f1)
  launches=$(grep -c '^clone3$' "$DIR/$word.calls")
  rest=$(($(wc -l <"$DIR/$word.calls") - launch))
  seq -f 'kill %.0f' "$launch" >"$DIR/before"
  seq -f "kill %.0f --since clone3 $launches" "$rest" >"$DIR/after"
  # What a full or broken disk does.
  for name in write pwrite64 fsync fdatasync ftruncate rename mkdir fchmod clone3; do
    seq -f "fail %.0f --only $name" "$(grep -cx "$name" "$DIR/$word.calls")"
  done >"$DIR/errors"
  {
    some "$strikes" "$DIR/before"
    some "$((2 * strikes))" "$DIR/after"
    some "$((2 * strikes))" "$DIR/errors"
  } >"$DIR/points"
  while read -r point; do
    # shellcheck disable=SC2086 # words of it
    round "$word" $point </dev/null
  done <"$DIR/points"
done
! is_running || ok "a is ended" svirt destroy a
equal "nothing is out of order at the end" "" "$(out_of_order)"
finish
