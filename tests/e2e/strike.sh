# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scenarios share that kill svirt, or let its calls fail, at some of its system calls.
# SVIRT_FAULT_STRIKES (how many of each kind) and SVIRT_FAULT_OFFSET choose the calls.

strikes=${SVIRT_FAULT_STRIKES:-10}
offset=${SVIRT_FAULT_OFFSET:-$RANDOM}
echo "# SVIRT_FAULT_STRIKES=$strikes SVIRT_FAULT_OFFSET=$offset"

# some MOST FILE: at most so many of its lines, as far from each other as can be, from one that the
# offset chooses.
some() {
  local step=$((($(wc -l <"$2") + $1 - 1) / $1))
  awk -v step="$step" -v offset="$offset" '(NR + offset) % step == 0' "$2"
}

# points ARGS...: where to strike 'svirt ARGS', which is run: one a line in $DIR/points, as strike
# takes them.
points() {
  local launch launches rest name
  "$SVIRT_TEST/fault-trace" --list "$DIR/calls" -- "$SVIRT" --root "$ROOT" "$@" || return
  # From the last process on that it makes, a start's emulator, there is more to leave behind. Before
  # it the number of calls is another one each time, since the database's log grows.
  launch=$(grep -n '^clone3$' "$DIR/calls" | tail -n 1 | cut -d: -f1)
  launches=$(grep -c '^clone3$' "$DIR/calls")
  rest=$(($(wc -l <"$DIR/calls") - ${launch:-0}))
  seq -f 'kill %.0f' "${launch:-0}" >"$DIR/before"
  seq -f "kill %.0f${launch:+ --since clone3 $launches}" "$rest" >"$DIR/after"
  # What a full or broken disk does.
  for name in write pwrite64 fsync fdatasync ftruncate rename mkdir fchmod clone3; do
    seq -f "fail %.0f --only $name" "$(grep -cx "$name" "$DIR/calls")"
  done >"$DIR/errors"
  {
    some "$strikes" "$DIR/before"
    some "$((2 * strikes))" "$DIR/after"
    some "$((2 * strikes))" "$DIR/errors"
  } >"$DIR/points"
}

# strike ACTION N [OPTION...] -- ARGS...: 'svirt ARGS' is struck at its N-th call. Sets $struck to what
# was struck, empty if nothing was; $status, 0 if it says that it has succeeded. Adds to $wrong what
# it says otherwise than in one sentence.
strike() {
  local action=$1 said options=()
  shift
  while [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  shift
  said=$("$SVIRT_TEST/fault-trace" "--$action" "${options[@]}" -- "$SVIRT" --root "$ROOT" "$@" 2>&1 >/dev/null)
  status=$?
  struck=$(sed -n 's/^fault-trace: //p' <<<"$said")
  said=$(grep -v -e '^fault-trace: ' -e '^svirt: warning: ' <<<"$said")
  if [ "$action" = kill ] || [ -z "$struck" ]; then
    return
  fi
  if [ "$said" = 'svirt: cannot write standard output' ]; then
    status=0 # all else was done
  elif [ "$status" -eq 0 ]; then
    [ -z "$said" ] || wrong+=" it succeeds and says: $said"
  else
    [[ $said == 'svirt: '* && $said != *$'\n'* && $status -lt 90 ]] || wrong+=" status $status: $said"
  fi
}

# must CMD...: CMD succeeds, or is what is wrong.
must() {
  local seen
  seen=$("$@" 2>&1) || echo " $* fails: $seen"
}
