#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The power fails after domains have ended: the label database, on one file system, says that their
# disks have got their old labels back, and the file system of the disks has lost that. The next
# start, and recover, put it right; nothing of a domain that has ended is taken for a disk's own.
#   boot 1  a domain runs and ends, another one starts; the power is cut
#   boot 2  the next start finds the disk with its old labels and puts them back; once more
#   boot 3  recover does so; then the database is lost, and a scan finds what the disk bears
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

state=/var/lib/svirt
images=$state/images
other=/var/lib/libvirt/images/other.img # its file system is as new in each boot
mkdir -p $state ${other%/*}
mount /dev/vde $state
mkdir -p $images
# What is not synced is written after ten minutes, and not before.
mount -o commit=600 /dev/vdf $images
chmod 0711 $state $images
truncate -s 1M $other
chmod 0600 $other
restorecon -RF /run/svirt ${other%/*} /usr/bin/svirt 2>/dev/null

make_domain() { # NAME DISK
  cat >"$state/$1.xml" <<XML
<domain type='qemu'>
  <name>$1</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
  </devices>
</domain>
XML
  ok "$1 is defined" svirt define "$state/$1.xml"
}
bears() { stat -c '%C %u:%g' "$1"; } # the label of SELinux, and that of dac

# lose DOMAIN: it runs and ends, another one starts, and then the power is cut. What it gave its disk
# is on the disk of the machine by then, and what the disk got back is not.
lose() {
  ok "$1 starts" svirt start "$1"
  contains "its disk is its own under both models" '^[^ ]+:svirt_image_t:s0:c[0-9,c]+ 2100[0-9]{6}:' \
    bears $images/a.img
  bears $images/a.img >$state/borne
  sync
  ok "$1 is destroyed" svirt destroy "$1"
  equal "its disk has its old labels" "$original" "$(bears $images/a.img)"
  ok "another domain starts, which syncs the label database" svirt start other
  power_cut
}
came_back() {
  original=$(<$state/original)
  borne=$(<$state/borne)
  equal "the power cut took from the disk that it was given back" "$borne" "$(bears $images/a.img)"
}

case $BOOT in
  1)
    truncate -s 1M $images/a.img
    chmod 0600 $images/a.img
    restorecon -RF $state 2>/dev/null
    original=$(bears $images/a.img)
    echo "$original" >$state/original
    make_domain a $images/a.img
    make_domain b $images/a.img
    make_domain other $other
    lose a
    ;;
  2)
    came_back
    ok "a domain starts with that disk" svirt start b
    differ "the disk is the domain's own" "$original" "$(bears $images/a.img)"
    differ "which has another label than the one that came back" "$borne" "$(bears $images/a.img)"
    ok "it is destroyed" svirt destroy b
    equal "the disk has its own labels, and not those that came back" "$original" \
      "$(bears $images/a.img)"
    lose a
    ;;
  3)
    came_back
    ok "recover" svirt recover
    equal "gives the disk its own labels" "$original" "$(bears $images/a.img)"
    equal "nobody holds labels" "" "$(svirt labels)"
    equal "the database remembers nothing of it" 0 \
      "$(sqlite3 $state/labels.db 'SELECT count(*) FROM use')"

    scan() { svirt recover --scan "$images" "$@"; true; }
    mkdir -p /etc/svirt
    printf '%s\n' '[confinement]' 'export_labels = yes' >/etc/svirt/svirt.conf
    echo 0123456789abcdef0123456789abcdef >/etc/machine-id # by which marks name their host
    ok "a is labelled, with marks" svirt label $state/a.xml
    rm $state/labels.db*
    contains "a scan would put back the label of SELinux" \
      'a.img bears the selinux label .*:svirt_image_t:s0:c.* to be put back: .*virt_image_t:s0$' \
      scan --dry-run
    contains "and that of dac" 'a.img bears the dac label .*; put back: .0:.0$' scan
    equal "the disk has its own labels" "$original" "$(bears $images/a.img)"
    rm /etc/svirt/svirt.conf
    ok "a is labelled, without marks" svirt label $state/a.xml
    borne=$(bears $images/a.img)
    rm $state/labels.db*
    contains "then the scan leaves it" 'a.img bears the selinux label .* it is left' scan
    ok "a domain starts with that disk" svirt start b
    new=$(bears $images/a.img)
    differ "under another label of SELinux" "${borne% *}" "${new% *}"
    differ "and another one of dac" "${borne#* }" "${new#* }"
    ok "it is destroyed" svirt destroy b
    equal "the disk has what was left on it" "$borne" "$(bears $images/a.img)"
    finish
    ;;
esac
