#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One bad definition is one bad domain, and list tells of every domain, whatever is wrong with one.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

for vm in a b c; do
  make_domain "$vm"
  ok "$vm is defined" svirt define "$DIR/$vm.xml"
done
uuid_of() { svirt dumpxml --inactive "$1" | sed -n 's/.*<uuid>\(.*\)<.*/\1/p'; }
uuid=$(uuid_of c)
definition=$ROOT/state/domains/$uuid.xml
status_file=$ROOT/run/domains/$uuid.json
# with_status STATUS CMD...: what CMD prints if it ends with STATUS.
with_status() {
  local expected=$1 status
  shift
  "$@"
  status=$?
  [ "$status" -eq "$expected" ] || echo "exit status $status and not $expected"
}
row() { svirt list --all --json 2>/dev/null | python3 -c '
import json, sys
for row in json.load(sys.stdin)["domains"]:
    if sys.argv[1] in (row["uuid"], row["name"]):
        print(row["state"], row["pid"], row["problem"])' "$1"; }
ok "a starts" svirt start a

# A definition that is cut off, empty, or nothing like one; and one that cannot be read.
cp "$definition" "$DIR/whole"
size=$(stat -c %s "$definition")
for damage in half empty rubbish unreadable; do
  case $damage in
    half) head -c $((size / 2)) "$DIR/whole" >"$definition" ;;
    empty) : >"$definition" ;;
    rubbish) head -c 4096 /dev/urandom >"$definition" ;;
    unreadable)
      rm "$definition"
      ln -s "$(basename "$definition")" "$definition"
      ;;
  esac
  contains "$damage: list names it by its uuid" "^ - +$uuid +damaged\$" with_status 11 svirt list --all
  contains "$damage: and says what mends it" "^svirt: .*svirt undefine $uuid" with_status 11 svirt list --all
  contains "$damage: a is listed" '^ [0-9]+ +a +running$' with_status 11 svirt list --all
  contains "$damage: so is b" '^ - +b +shut off$' with_status 11 svirt list --all
  contains "$damage: JSON has the reason" '^damaged None .*uuid' row "$uuid"
  equal "$damage: a runs" running "$(svirt domstate a)"
  ok "$damage: b starts" svirt start b
  ok "$damage: b is destroyed" svirt destroy b
  refused "$damage: recover tells of it" "$uuid" svirt recover
  refused "$damage: it does not start" "$uuid" svirt start "$uuid"
  refused "$damage: its name is not known" "$uuid" svirt start c
  ok "$damage: it is defined anew" svirt define "$DIR/c.xml"
  equal "$damage: under its old uuid" "$uuid" "$(uuid_of c)"
done
printf '<' >"$definition"
ok "a damaged one is undefined" svirt undefine "$uuid"
ok "after which all is well" svirt list --all
ok "c is defined" svirt define "$DIR/c.xml"

# One that runs.
ok "c starts" svirt start c
pid=$(pid_of c)
printf '<' >"$definition"
contains "c runs without its definition" "^ $pid +c +damaged\$" with_status 11 svirt list
refused "it is not undefined" 'is running' svirt undefine c
refused "its name is taken" 'exists already' svirt define <(sed 's/<name>c/<uuid>11111111-1111-4111-8111-111111111111<\/uuid><name>c/' "$DIR/c.xml")
ok "it is destroyed" svirt destroy c
ok "it has ended" ended "$pid"
lacks "it holds nothing" '^c ' svirt labels
ok "it is defined anew" svirt define "$DIR/c.xml"

# The status of one that runs.
for damage in half empty rubbish; do
  ok "$damage status: c starts" svirt start c
  pid=$(pid_of c)
  size=$(stat -c %s "$status_file")
  case $damage in
    half) truncate -s $((size / 2)) "$status_file" ;;
    empty) : >"$status_file" ;;
    rubbish) head -c 4096 /dev/urandom >"$status_file" ;;
  esac
  contains "$damage status: list shows c, and its process" "^ $pid +c +damaged\$" with_status 11 svirt list
  contains "$damage status: and a" '^ [0-9]+ +a +running$' with_status 11 svirt list
  refused "$damage status: c does not start again" "$uuid" svirt start c
  refused "$damage status: nor is it undefined" "process $pid runs as domain" svirt undefine c
  refused "$damage status: recover tells of it" "svirt destroy $uuid" svirt recover
  ok "$damage status: it runs on" kill -0 "$pid"
  ok "$damage status: c is destroyed" svirt destroy c
  ok "$damage status: it has ended" ended "$pid"
  lacks "$damage status: it holds nothing" '^c ' svirt labels
  ok "$damage status: all is well" svirt list --all
done
: >"$status_file"
ok "one with a damaged status that does not run is undefined" svirt undefine c
ok "and defined" svirt define "$DIR/c.xml"
ok "and starts" svirt start c

# One that does not answer.
pid=$(pid_of c)
kill -STOP "$pid"
begin=$SECONDS
contains "a stopped one is listed" "^ $pid +c +unknown\$" with_status 11 svirt list --all
[ $((SECONDS - begin)) -le 5 ]
verdict $? "within seconds" "at most 5 s" "$((SECONDS - begin)) s"
contains "so are the others" '^ [0-9]+ +a +running$' with_status 11 svirt list --all
contains "JSON has the reason" "^unknown $pid .*(did|does) not answer" row c
ok "labels tell of all" svirt labels
ok "so do metrics" svirt metrics
kill -CONT "$pid"
ok "it goes on" svirt list --all
ok "c is destroyed" svirt destroy c

# An end that cannot be cleaned up.
if [ "$(id -u)" -eq 0 ] && chattr +i "$DIR/images/b.img" 2>/dev/null; then
  chattr -i "$DIR/images/b.img"
  configure '[confinement]' 'models = landlock, dac'
  owner() { stat -c %u "$DIR/images/b.img"; }
  ok "b starts" svirt start b
  b=$(owner)
  pid=$(pid_of b)
  chattr +i "$DIR/images/b.img"
  kill -KILL "$pid"
  ok "and is killed" wait_for 20 ended "$pid"
  contains "it is listed as not cleaned up" '^ - +b +shut off \(not cleaned up\)$' with_status 11 svirt list
  contains "with the reason" "svirt: .*'b'.*images/b.img.*immutable" with_status 11 svirt list
  contains "so is a" '^ [0-9]+ +a +running$' with_status 11 svirt list
  equal "its disk has the label still" "$b" "$(owner)"
  chattr -i "$DIR/images/b.img"
  contains "afterwards it is cleaned up" '^ - +b +shut off$' with_status 0 svirt list --all
  equal "its disk is back" 0 "$(owner)"
  configure
else
  echo "# an immutable disk is skipped: it needs root, and a file system with chattr +i"
fi

# A plugin that is gone when a domain has ended.
ok "b starts" svirt start b
pid=$(pid_of b)
kill -KILL "$pid"
ok "and is killed" wait_for 20 ended "$pid"
plugins=$PLUGINS
PLUGINS=$DIR/none
mkdir "$PLUGINS"
configure
contains "without its plugin it is not cleaned up" '^ - +b +shut off \(not cleaned up\)$' \
  with_status 11 svirt list
contains "a is listed" '^ [0-9]+ +a +running$' with_status 11 svirt list
PLUGINS=$plugins
configure
contains "with it it is" '^ - +b +shut off$' with_status 0 svirt list --all
ok "a is destroyed" svirt destroy a
equal "nobody holds a label" "" "$(svirt labels)"

# Whoever may not read the domains is not told that there are none.
if [ "$(id -u)" -eq 0 ]; then
  chmod 0755 "$DIR"
  as_nobody() { setpriv --reuid nobody --clear-groups -- "$SVIRT" --root "$ROOT" "$@"; }
  for command in "list --all" "dominfo a" "labels" "metrics" "start a" "recover"; do
    # shellcheck disable=SC2086 # several words
    contains "as somebody else: $command" '[Pp]ermission denied' with_status 8 as_nobody $command
  done
fi
finish
