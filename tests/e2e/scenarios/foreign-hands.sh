#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Images that somebody else has in hand: a process that writes to them, libvirt, the kernel.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

# hold IMAGE: a process that has it open for writing; sets holder.
hold() {
  sleep 1000 9<>"$1" &
  holder=$!
  until [ "$(readlink "/proc/$holder/fd/9")" = "$1" ]; do sleep 0.1; done
}
release() {
  kill "$holder"
  wait "$holder" 2>/dev/null
}
plan() { svirt plan "$1" || [ $? -eq 20 ]; }  # 20: a start would fail

make_domain a
make_disk extra vdb
ok "a is defined" svirt define "$DIR/a.xml"
hold "$DIR/images/a.img"
who="process $holder \(sleep\) has it open for writing"
refused "a does not start while somebody writes to its disk" "$who" svirt start a
contains "the plan says it" "CONFLICT: .*$who" plan a
refused "nor is it labelled" "$who" svirt label a
refused "nor does a program run as a" "$who" svirt run a -- /usr/bin/true
equal "nobody holds a label" "" "$(svirt labels)"
release
ok "when he has ended it starts" svirt start a
ok "and a program runs beside it, with the same disk" svirt run a -- /usr/bin/true
contains "the plan finds nobody but a itself" '^Domain a' plan a
if [ "$(id -u)" -ne 0 ]; then
  ok "a is destroyed" svirt destroy a
  finish
fi
ok "a is destroyed" svirt destroy a

configure '[confinement]' 'models = dac'
ok "a starts under dac" svirt start a
hold "$DIR/images/extra.img"
refused "nor is a disk attached that somebody writes to" "process $holder \(sleep\)" \
  svirt attach-device a "$DIR/extra-disk.xml"
equal "it stays whose it was" 0:0 "$(stat -c %u:%g "$DIR/images/extra.img")"
release
ok "when he has ended it is" svirt attach-device a "$DIR/extra-disk.xml"
ok "a is destroyed" svirt destroy a

if setfattr -n trusted.libvirt.security.ref_dac -v 1 "$DIR/images/a.img"; then
  refused "an image that libvirt has marked is refused" \
    'bears the mark trusted.libvirt.security.ref_dac of libvirt' svirt start a
  setfattr -x trusted.libvirt.security.ref_dac "$DIR/images/a.img"
  ok "and not when the mark is off" svirt start a
  ok "a is destroyed" svirt destroy a
else
  echo "# marks of libvirt are skipped: they need a file system with trusted attributes"
fi

truncate -s 8M "$DIR/images/block.img"
loop=$(losetup -f --show "$DIR/images/block.img" 2>/dev/null) || loop=
if [ -z "$loop" ]; then
  echo "# a mounted block device is skipped: it needs a loop device"
  finish
fi
# At its end the scenario lets go of it, whatever happens.
trap 'status=$?; umount "$DIR/mnt" 2>/dev/null; losetup -d "$loop"; (exit "$status"); tap_end' EXIT
make_domain b
sed -i "s|disk type='file'|disk type='block'|; s|file='$DIR/images/b.img'|dev='$loop'|" "$DIR/b.xml"
ok "a domain with a block device is defined" svirt define "$DIR/b.xml"
make_domain c
sed -i "s|$DIR/images/c.img|$DIR/images/block.img|" "$DIR/c.xml"
ok "and one with the file behind it" svirt define "$DIR/c.xml"
refused "the file has the kernel in hand" 'the kernel \(a loop device, swap\)' svirt start c
mkdir "$DIR/mnt"
if mkfs.ext4 -q "$loop" && mount "$loop" "$DIR/mnt"; then
  refused "a device that is mounted is no disk" "mounted at $DIR/mnt" svirt start b
  for share in readonly shareable; do
    sed "s|<source dev=|<$share/>&|" "$DIR/b.xml" >"$DIR/$share.xml"
    if [ "$(id -u)" -eq 0 ]; then
      contains "nor one that is $share" "CONFLICT.*mounted at $DIR/mnt" plan "$DIR/$share.xml"
    fi
  done
  umount "$DIR/mnt"
else
  echo "# a mounted device is skipped: it needs ext4 and the right to mount"
fi
ok "a device that is not is labelled" svirt label b
ok "and restored" svirt restore b
finish
