#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The label database is lost, and objects bear labels of domains that nobody knows any more: a scan
# finds them, puts back what marks tell of, and what it cannot put back is given to no other domain.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

if [ "$(id -u)" -ne 0 ]; then
  refused "without a model that labels objects there is nothing to scan for" \
    'no model that labels objects is active' svirt recover --scan "$DIR/images"
  finish
fi

configure '[confinement]' 'models = dac' 'export_labels = yes'
owner() { stat -c %u:%g "$DIR/images/$1.img"; }
# Its disk has a label, of which nobody knows.
leave() { # NAME
  ok "$1 is labelled" svirt label "$DIR/$1.xml"
  differ "its disk is its own" "$before" "$(owner "$1")"
  rm "$ROOT/state/labels.db" "$ROOT/state/labels.db-"*
}
status_of() {
  "$@" >/dev/null 2>&1
  echo $?
}

for name in a b c; do
  make_domain $name
done
mkdir "$DIR/images/below"
before=$(owner a)

leave a
left=$(owner a)
equal "recover alone does not find it" "$left" "$(svirt recover >/dev/null && owner a)"
equal "a dry run finds something to do" 10 "$(status_of svirt recover --scan "$DIR/images" --dry-run)"
contains "and says what" "^$DIR/images/a.img bears the dac label .* to be put back: .0:.0\$" \
  bash -c "'$SVIRT' --root '$ROOT' recover --scan '$DIR/images' --dry-run; true"
equal "it changes nothing" "$left" "$(owner a)"
exec 9<>"$DIR/images/a.img"
equal "what a process writes to is left" 11 "$(status_of svirt recover --scan "$DIR/images")"
contains "with the process" "a.img .* it is left: process $$ .*has it open for writing" \
  bash -c "'$SVIRT' --root '$ROOT' recover --scan '$DIR/images'; true"
exec 9>&-
ln -s "$DIR/images" "$DIR/link"
refused "a path through a link is refused, with the one that is meant" "scan $DIR/images" \
  svirt recover --scan "$DIR/link/a.img"
refused "so is one that is not there" 'cannot scan' svirt recover --scan "$DIR/nowhere"
svirt recover --scan "$DIR/images" --json >"$DIR/found.json"
equal "the scan has left nothing" 0 $?
equal "and tells what it has done" "$DIR/images/a.img put back" \
  "$(python3 -c 'import json, sys
for found in json.load(sys.stdin)["found"]: print(found["path"], found["outcome"])' <"$DIR/found.json")"
equal "the disk has its own label" "$before" "$(owner a)"
equal "another one finds nothing" 0 "$(status_of svirt recover --scan "$DIR/images")"

configure '[confinement]' 'models = dac'
leave b
left=$(owner b)
equal "without a mark it is left" 11 "$(status_of svirt recover --scan "$DIR/images/b.img")"
contains "as what it had is not known" "b.img .* it is left: what it had before is not known" \
  bash -c "'$SVIRT' --root '$ROOT' recover --scan '$DIR/images'; true"
lacks "no plan has its label" "${left%:*}" bash -c "'$SVIRT' --root '$ROOT' plan '$DIR/c.xml'; true"
ok "another domain is labelled" svirt label "$DIR/c.xml"
differ "otherwise" "$left" "$(owner c)"
ok "and restored" svirt restore "$DIR/c.xml"
ok "the domain whose disk it is is labelled" svirt label "$DIR/b.xml"
differ "otherwise as well" "$left" "$(owner b)"
contains "a scan takes nothing from it" '^[0-9]+ objects' svirt recover --scan "$DIR/images"
ok "it is restored" svirt restore "$DIR/b.xml"
equal "its disk bears what was left on it" "$left" "$(owner b)"
chown "$before" "$DIR/images/b.img" "$DIR/images/b.console"
ok "once its administrator has given what it had other labels" svirt recover
# What runs elsewhere on this machine is entered, too.
kept() {
  python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT (SELECT count(*) FROM borne) + "
      "(SELECT count(*) FROM owner WHERE foreign_space IS NULL)").fetchone()[0])' \
    "$ROOT/state/labels.db"
}
equal "nothing is kept of it" 0 "$(kept)"
finish
