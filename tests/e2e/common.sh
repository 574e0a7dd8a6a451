# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scenarios on this host share.
# shellcheck source=tests/kernel/guest/lib.sh
. "$SVIRT_TEST/lib.sh"

ROOT=$DIR/root
mkdir -p "$ROOT" "$DIR/images"
svirt() { "$SVIRT" --root "$ROOT" "$@"; }

# configure LINE...: a configuration with the plugins and programs of the build, and these lines.
configure() {
  printf '[plugins]\ndirectories = %s\nscanner = %s\n' "$PLUGINS" "$SCANNER" >"$ROOT/svirt.conf"
  printf '%s\n' "$@" >>"$ROOT/svirt.conf"
  if ! grep -qx '\[confinement\]' "$ROOT/svirt.conf"; then
    echo '[confinement]' >>"$ROOT/svirt.conf"
  fi
  sed -i "s|^\[confinement\]\$|&\nkeeper = $KEEPER|" "$ROOT/svirt.conf"
}
configure

# make_domain NAME [SECLABEL]: NAME.xml, a guest with a disk and a console of its own.
make_domain() {
  truncate -s 1M "$DIR/images/$1.img"
  printf 'the disk of %s' "$1" | dd of="$DIR/images/$1.img" conv=notrunc status=none
  cat >"$DIR/$1.xml" <<XML
<domain type='qemu'>
  <name>$1</name>
  <memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>$GUEST/vmlinuz</kernel>
    <initrd>$GUEST/initrd.gz</initrd>
    <cmdline>console=ttyS0 panic=-1 quiet</cmdline>
  </os>
  <features>
    <acpi/>
  </features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$DIR/images/$1.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <serial type='file'>
      <source path='$DIR/images/$1.console'/>
      <target port='0'/>
    </serial>
  </devices>
  ${2-}
</domain>
XML
}

# make_disk NAME TARGET: NAME-disk.xml, a device to attach, with a disk of its own.
make_disk() {
  truncate -s 1M "$DIR/images/$1.img"
  cat >"$DIR/$1-disk.xml" <<XML
<disk type='file' device='disk'>
  <driver name='qemu' type='raw'/>
  <source file='$DIR/images/$1.img'/>
  <target dev='$2' bus='virtio'/>
</disk>
XML
}

booted() { grep -aq "SVIRT GUEST DISK the disk of $1" "$DIR/images/$1.console" 2>/dev/null; }
label_of() { svirt dominfo "$1" | sed -n 's/^Security label: *//p'; }
# program_of PID NAME: the program of that name that a 'svirt run' with this pid has started, with its
# keeper between them or not.
program_of() { pgrep -P "$(pgrep -d, -P "$1"),$1" -x "$2"; }
pid_of() { svirt list --json | grep -A3 "\"name\": \"$1\"" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'; }
