#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Directories that are shared with a domain: each file has its old owner again at the end, or, with
# keep_trees, the domain's until somebody asks for the old ones.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

if [ "$(id -u)" -ne 0 ]; then
  configure '[confinement]' 'keep_trees = perhaps'
  refused "what is neither yes nor no is no value" 'keep_trees' svirt list
  finish
fi

owner() { stat -c '%u:%g' "$1"; }
share=$DIR/share
mkdir -p "$share/sub"
echo one >"$share/one"
echo two >"$share/sub/two"
chown 1234:1235 "$share/sub/two"
cat >"$DIR/t.xml" <<XML
<domain type='qemu'>
  <name>t</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <filesystem type='mount'><source dir='$share'/><target dir='share'/></filesystem>
  </devices>
</domain>
XML

configure '[confinement]' 'models = dac'
ok "t is labelled" svirt label "$DIR/t.xml"
id=$(stat -c %u "$share")
differ "the directory has an owner of its own" 0 "$id"
equal "so has what is deep below" "$id:$id" "$(owner "$share/sub/two")"
echo made >"$share/made"
chown "$id:$id" "$share/made"
ok "t is restored" svirt restore "$DIR/t.xml"
equal "the directory is root's again" 0:0 "$(owner "$share")"
equal "each file is whose it was" 1234:1235 "$(owner "$share/sub/two")"
equal "what the domain made is the directory's owner's" 0:0 "$(owner "$share/made")"
equal "nothing is held" "" "$(svirt labels)"

configure '[confinement]' 'models = dac' 'keep_trees = yes'
ok "with keep_trees it is labelled" svirt label "$DIR/t.xml"
id=$(stat -c %u "$share")
ok "and restored" svirt restore "$DIR/t.xml"
equal "the directory keeps the owner" "$id:$id" "$(owner "$share")"
equal "and what is below it" "$id:$id" "$(owner "$share/sub/two")"
contains "which nobody else is given" "\\+$id:\\+$id" svirt labels
ok "recover leaves it alone" svirt recover
equal "as it was" "$id:$id" "$(owner "$share/sub/two")"
contains "the next start looks at the directory alone" 'labelled at an earlier start' \
  svirt plan "$DIR/t.xml"
ok "it is labelled again" svirt label "$DIR/t.xml"
equal "with the same owner" "$id:$id" "$(owner "$share")"
ok "restore --trees" svirt restore --trees "$DIR/t.xml"
equal "gives each file back" 1234:1235 "$(owner "$share/sub/two")"
equal "and the directory" 0:0 "$(owner "$share")"
equal "nothing is held then" "" "$(svirt labels)"

ok "it is defined" svirt define "$DIR/t.xml"
ok "labelled" svirt label t
ok "restored" svirt restore t
differ "and kept" 0:0 "$(owner "$share")"
ok "undefine" svirt undefine t
equal "puts back the directory" 0:0 "$(owner "$share")"
equal "and the files" 1234:1235 "$(owner "$share/sub/two")"
equal "nothing is left" "" "$(svirt labels)"
finish
