#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The label database is lost, or an older one put back, while domains run: every command that would
# trust it says so, and recover enters again what can be known.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

models=landlock
[ "$(id -u)" -ne 0 ] || models=dac
configure '[confinement]' "models = $models"
database=$ROOT/state/labels.db
what='does not know its labels: it was lost'
owner() { stat -c %u "$DIR/images/$1.img"; }

# said: a, which runs, is missed by every command that would trust the database; nothing is entered.
said() {
  refused "start says so" "$what" svirt start b
  ok "b does not run" test "$(svirt domstate b)" = "shut off"
  contains "plan says so" "$what" bash -c "'$SVIRT' --root '$ROOT' plan b; true"
  refused "attach-device says so" "$what" svirt attach-device a "$DIR/extra-disk.xml"
  refused "destroy says so" "$what" svirt destroy a
  refused "restore takes nothing from it" "." svirt restore a
  equal "its disk is its own" "$own" "$(owner a)"
  refused "list says so" "$what" svirt list
  contains "labels says so" "$what" bash -c "'$SVIRT' --root '$ROOT' labels 2>&1"
  refused "it names the command that mends it" "svirt recover" svirt list
}
recovered() {
  contains "recover says what it enters again" "a runs, and was not known to the label database" \
    bash -c "'$SVIRT' --root '$ROOT' recover 2>&1"
  contains "labels shows a" "^a \(" svirt labels
  lacks "and list misses nothing" "$what" svirt list
  equal "a runs" running "$(svirt domstate a)"
}

for name in a b; do
  make_domain "$name"
  ok "$name is defined" svirt define "$DIR/$name.xml"
done
make_disk extra vdb
chmod 0600 "$DIR/images/"*.img
before=$(owner a)
ok "a starts" svirt start a
own=$(owner a)

# The files are gone.
rm "$database" "$database"-*
said
recovered
sed "s|$DIR/images/b.img|$DIR/images/a.img|" "$DIR/b.xml" >"$DIR/thief.xml"
ok "a domain with a's disk is defined" svirt define "$DIR/thief.xml"
refused "it does not start while a runs" "$DIR/images/a.img" svirt start b
ok "b is defined as before" svirt define "$DIR/b.xml"
ok "b starts" svirt start b
lacks "under other labels than a's" "$(svirt dominfo a | sed -n 's/^Security label: *\(.*\) (.*/\1/p' | head -n 1)" \
  svirt dominfo b
ok "b is destroyed" svirt destroy b
[ "$(id -u)" -ne 0 ] || ok "a takes a disk" svirt attach-device a "$DIR/extra-disk.xml"
ok "a is destroyed" svirt destroy a
equal "nobody holds labels" "" "$(svirt labels)"
equal "the disk that was attached since is as it was" "$before" "$(owner extra)"
# What it had before is not known: it keeps what it has, and recover has said so.
equal "a's disk is as it was while a ran" "$own" "$(owner a)"
[ "$(id -u)" -ne 0 ] || chown 0:0 "$DIR/images/a.img"

# An older copy is put back.
cp "$database" "$DIR/older.db"
ok "a starts" svirt start a
own=$(owner a)
rm "$database"-*
mv "$DIR/older.db" "$database"
said
recovered
ok "a is destroyed" svirt destroy a
equal "nobody holds labels" "" "$(svirt labels)"
[ "$(id -u)" -ne 0 ] || chown 0:0 "$DIR/images/a.img"

# The older copy is of another start of a, which had other labels.
ok "a starts" svirt start a
cp "$database" "$DIR/older.db"
cp "$database-wal" "$DIR/older.db-wal"
ok "a is destroyed" svirt destroy a
ok "a starts anew" svirt start a
own=$(owner a)
rm "$database" "$database"-*
mv "$DIR/older.db" "$database"
mv "$DIR/older.db-wal" "$database-wal"
said
recovered
equal "a's disk is its own" "$own" "$(owner a)"
ok "recover takes nothing" svirt recover
equal "a's disk is its own" "$own" "$(owner a)"
ok "a is destroyed" svirt destroy a
equal "nobody holds labels" "" "$(svirt labels)"
[ "$(id -u)" -ne 0 ] || chown 0:0 "$DIR/images/a.img"

# The log is gone, with all that had not come into the database itself.
ok "a starts" svirt start a
own=$(owner a)
rm "$database-wal"
said
recovered
ok "a is destroyed" svirt destroy a
equal "nobody holds labels" "" "$(svirt labels)"
finish
