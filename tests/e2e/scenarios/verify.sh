#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What runs is compared with what was planned: labels, entries and files that somebody changes by
# hand while a domain runs are found, and found to be right again when that is undone.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

models=landlock
[ "$(id -u)" -ne 0 ] || models='landlock, dac'
configure '[confinement]' "models = $models"

make_domain a
base=$DIR/images/base.img
truncate -s 1M "$base"
disk=$DIR/images/a.img
chmod 0600 "$disk" "$base"
sed -i "s#<serial#<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$base'/><target dev='vdb' bus='virtio'/><readonly/></disk><serial#" "$DIR/a.xml"
ok "a is defined" svirt define "$DIR/a.xml"
said() { svirt verify a; }
status() {
  svirt verify "$@" >/dev/null 2>&1
  echo $?
}
# right: nothing is found.
right() {
  contains "$1: a is as it was planned" "^Domain 'a' is as it was planned$" said
  equal "and the status says so" 0 "$(status a)"
}
# found NAME PATTERN: just this is found.
found() {
  local lines
  lines=$(said)
  contains "$1 is found" "$2" echo "$lines"
  equal "and nothing else" 1 "$(wc -l <<<"$lines")"
  equal "and the status says so" 11 "$(status a)"
}

equal "of a domain that does not run there is nothing to compare" 6 "$(status a)"
refused "as it says" "'a' is not running" svirt verify a
equal "there is no other domain" 4 "$(status b)"
ok "a starts" svirt start a
right "after its start"
contains "as JSON" '"mismatches": \[\]' svirt verify a --json

# Files.
mv "$disk" "$disk.aside"
found "a disk that is gone" "^gone: $disk, which was labelled for domain a, is not there any more; "
cp -p "$disk.aside" "$disk"
found "a disk that was replaced" "^replaced: $disk is another object than the one that was labelled"
refused "as JSON" '"what": "replaced"' svirt verify a --json
refused "with its path" "\"where\": \"$disk\"" svirt verify a --json
mv "$disk.aside" "$disk"
right "undone"

# Others.
sleep 60 7<>"$disk" &
other=$!
found "another process that writes to its disk" \
  "^in other hands: $disk is to be domain a's alone, and process $other \(sleep\), which is none of its own"
kill "$other"
wait "$other" 2>/dev/null
right "when it has ended"
svirt run a -- /usr/bin/sleep 3 &
own=$!
runs() { [ "$(svirt labels --json | sed -n '/"processes"/,/\]/p' | grep -c '[0-9]')" -eq 2 ]; }
ok "a program runs in a" wait_for 5 runs
right "with it"
wait "$own"

# Labels and entries.
if [ "$(id -u)" -eq 0 ]; then
  owner=$(stat -c %u:%g "$disk")
  chown 0:0 "$disk"
  found "a disk that was given away" "^object label: $disk was given the dac label .*'svirt recover' gives it to it again"
  chown "$owner" "$disk"
  right "undone"
  chown 0:0 "$disk"
  ok "recover" svirt recover
  equal "gives the disk back" "$owner" "$(stat -c %u:%g "$disk")"
  right "after that"
  getfacl -cp "$base" >"$DIR/acl"
  setfacl -b "$base"
  found "an entry that was taken off" "^entry: $base was given the dac entry "
  setfacl --set-file="$DIR/acl" "$base"
  right "undone"
  setfacl -b "$base"
  ok "recover" svirt recover
  equal "puts the entry on again" "$(cat "$DIR/acl")" "$(getfacl -cp "$base")"
  right "after that"
  # The status file against the label database.
  sqlite3 "$ROOT/state/labels.db" "UPDATE label SET label = '+1:+1' WHERE model = 'dac'"
  found "another label in the database" "^not recorded: domain a runs under the dac label "
  sqlite3 "$ROOT/state/labels.db" "UPDATE label SET label = '+${owner/:/:+}' WHERE model = 'dac'"
  right "undone"
fi

# What comes later is compared as well.
if [ "$(id -u)" -eq 0 ]; then
  configure '[confinement]' "models = dac"
  ok "a is destroyed" svirt destroy a
  ok "a starts under dac alone" svirt start a
  ok "it boots" wait_for 90 booted a
  make_disk extra vdc
  chmod 0600 "$DIR/images/extra.img"
  ok "a disk is attached" svirt attach-device a "$DIR/extra-disk.xml"
  right "with it"
  chown 0:0 "$DIR/images/extra.img"
  found "the disk that was given away" "^object label: $DIR/images/extra.img was given the dac label "
  ok "the disk is detached" svirt detach-device a "$DIR/extra-disk.xml"
  right "without it"
fi
ok "a is destroyed" svirt destroy a
equal "nobody holds labels" "" "$(svirt labels)"
finish
