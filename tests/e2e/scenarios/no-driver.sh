#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A host without an active security driver: nothing starts unless the configuration allows it.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

exit_code() {
  "$@" >/dev/null 2>&1
  echo $?
}
mkdir "$DIR/no-plugins"
PLUGINS=$DIR/no-plugins
make_domain a

configure
refused "nothing is defined without a driver" 'no security driver is active on this host' \
  svirt define "$DIR/a.xml"
equal "with the exit code for it" 5 "$(exit_code svirt define "$DIR/a.xml")"
equal "in one sentence" 1 "$(svirt define "$DIR/a.xml" 2>&1 | wc -l)"
contains "plugins says so" 'No plugin is installed' svirt plugins

configure '[confinement]' 'allow_none = yes'
ok "with allow_none a is defined" svirt define "$DIR/a.xml"
ok "with allow_none a starts" svirt start a
ok "and boots" wait_for 90 booted a
contains "dominfo tells the truth" '^Security model: +none' svirt dominfo a
contains "the plan does too" 'would run unconfined' svirt plan a

configure
refused "a plan is refused again when it is not allowed any more" 'no security driver is active' \
  svirt plan a
configure '[confinement]' 'models = none'
ok "destroy works without a driver" svirt destroy a
ok "models = none starts without a driver" svirt start a
ok "and boots" wait_for 90 booted a

# Devices of a running domain.
make_disk extra vdb
uses() { svirt dumpxml "$1" | grep -c "images/$2.img"; }
opened() { find "/proc/$(pid_of a)/fd" -lname "*/images/$1.img" | wc -l; }
ok "a disk is attached to the running domain" svirt attach-device a "$DIR/extra-disk.xml"
equal "QEMU has opened it" 1 "$(opened extra)"
equal "its live XML has it" 1 "$(uses a extra)"
lacks "its definition has not" 'images/extra.img' svirt dumpxml --inactive a
refused "no second disk with that target" 'has a disk vdb already' svirt attach-device a "$DIR/extra-disk.xml"
ok "and detached" svirt detach-device a "$DIR/extra-disk.xml"
equal "QEMU has closed it" 0 "$(opened extra)"
equal "and the live XML has it no more" 0 "$(uses a extra)"
refused "nor can it be detached again" 'has no such <disk>' svirt detach-device a "$DIR/extra-disk.xml"
sed 's/bus=.virtio./bus="ide"/; s/vdb/hdc/' "$DIR/extra-disk.xml" >"$DIR/ide-disk.xml"
refused "what QEMU refuses is told" 'hotplug' svirt attach-device a "$DIR/ide-disk.xml"
equal "and leaves nothing open" 0 "$(opened extra)"
ok "so that it can be attached properly" svirt attach-device a "$DIR/extra-disk.xml"
printf '<memballoon model="none"/>' >"$DIR/balloon.xml"
refused "other devices cannot be detached" 'cannot be detached from a running domain' svirt detach-device a "$DIR/balloon.xml"
printf '<disk>' >"$DIR/broken.xml"
refused "broken XML is told with its line" 'broken.xml:1: ' svirt attach-device a "$DIR/broken.xml"
sed "s/vdb/vdc/; s/device='disk'/device='tape'/" "$DIR/extra-disk.xml" >"$DIR/tape.xml"
refused "a rule of the definition is told with the file alone" "tape.xml in domain 'a': [^0-9]" \
  svirt attach-device a "$DIR/tape.xml"
ok "a is destroyed" svirt destroy a
refused "a domain that does not run is told" 'is not running' svirt attach-device a "$DIR/extra-disk.xml"

make_domain c "<seclabel type='none' model='selinux'/>"
configure
ok "a domain whose owner wants none is defined without a driver" svirt define "$DIR/c.xml"
configure '[confinement]' 'require_confined = yes'
refused "unless confinement is required" 'no security driver is active|not allowed on this host' \
  svirt start c
finish
