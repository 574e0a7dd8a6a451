#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a running guest of machine q35 is given and gives back, as it sees it itself: each device
# takes one of its PCIe root ports, and leaves it to the next.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

root=no
[ "$(id -u)" -ne 0 ] || root=yes
if [ $root = yes ]; then
  configure '[confinement]' 'models = dac'
else
  echo "# the owners of what is attached are skipped: only root may give files away"
  configure '[confinement]' 'models = none'
fi

# /show of the guest: says on its console which disks, and which classes of PCI devices, it has.
mkdir "$DIR/show"
cat >"$DIR/show/show" <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mkdir /sys
/bin/busybox mount -t sysfs sysfs /sys
while :; do
  /bin/busybox usleep 200000
  has="$(cd /dev && echo vd*) $(/bin/busybox cat /sys/bus/pci/devices/*/class | /bin/busybox sort -u)"
  if [ "$has" != "$had" ]; then
    echo "SVIRT GUEST HAS" $has "." >/dev/ttyS0
    had=$has
  fi
done &
exec /init
INIT
chmod 0755 "$DIR/show/show"
{
  cat "$GUEST/initrd.gz"
  (cd "$DIR/show" && echo show | cpio -o -H newc -R 0:0 2>/dev/null) | gzip -n
} >"$DIR/initrd.gz"

make_domain a
sed -i "s,machine='pc',machine='q35',; s,<initrd>.*,<initrd>$DIR/initrd.gz</initrd>,
  s,<cmdline>,&rdinit=/show ," "$DIR/a.xml"
for name in a b c d e f; do
  [ $name = a ] || make_disk $name vd$name
  chmod 0600 "$DIR/images/$name.img"
done

owner() { stat -c %u "$1"; }
# is WHAT OWNER FILE: where files can be given away, it is that user's.
is() { [ $root = no ] || equal "$1" "$2" "$(owner "$3")"; }
info() {
  "$SVIRT_TEST/qmp" "$ROOT/run/domains/$uuid/monitor.sock" human-monitor-command \
    "{\"command-line\": \"info $1\"}"
}
shown() { for word in chardev network qtree; do info "$word"; done; }
attach() { svirt attach-device a "$DIR/$1.xml"; }
detach() { svirt detach-device a "$DIR/$1.xml"; }
# has WORD, lacks_it WORD: by the last of what the guest has said.
has() { grep -a 'SVIRT GUEST HAS' "$DIR/images/a.console" | tail -n 1 | grep -q " $1 "; }
lacks_it() { ! has "$1"; }

ok "a is defined" svirt define "$DIR/a.xml"
ok "a starts" svirt start a
ok "a boots to its console line" wait_for 90 booted a
ok "it shows what it has" wait_for 20 has vda
uuid=$(svirt dominfo a | sed -n 's/^UUID: *//p')
id=$(stat -c %u "/proc/$(pid_of a)")
before=$(shown)

# ---- a disk, an interface, and what brings a controller with it
ok "a disk is attached" attach b-disk
is "its image is a's" "$id" "$DIR/images/b.img"
ok "the guest has it" wait_for 20 has vdb
ok "the guest gives it back" detach b-disk
ok "and has it no more" wait_for 20 lacks_it vdb
is "its image is its own again" 0 "$DIR/images/b.img"
equal "QEMU has what it had" "$before" "$(shown)"

cat >"$DIR/net.xml" <<XML
<interface type='user'><model type='virtio'/></interface>
XML
ok "an interface is attached" attach net
ok "the guest has it" wait_for 20 has 0x020000
ok "the guest gives it back" detach net
ok "and has it no more" wait_for 20 lacks_it 0x020000
equal "QEMU has what it had" "$before" "$(shown)"

cat >"$DIR/channel.xml" <<XML
<channel type='unix'><target type='virtio' name='org.example.agent.0'/></channel>
XML
ok "a channel is attached" attach channel
ok "the guest has a controller for it" wait_for 20 has 0x078000
ok "it is detached" detach channel
ok "and its controller is gone" wait_for 20 lacks_it 0x078000
equal "QEMU has what it had" "$before" "$(shown)"

sed "s,vdb,sda,; s,bus='virtio',bus='scsi'," "$DIR/b-disk.xml" >"$DIR/scsi.xml"
ok "a disk is attached with a SCSI controller" attach scsi
contains "QEMU shows both" 'id .*scsi0' info qtree
ok "they are detached" detach scsi
is "its image is its own again" 0 "$DIR/images/b.img"
equal "QEMU has what it had" "$before" "$(shown)"

# ---- as many as there are ports
for name in b c d e; do
  ok "disk $name is attached" attach $name-disk
done
refused "for another one there is no port" \
  'no PCIe root port is free.*each of the domain.s 5 .*with 6 <controller' attach f-disk
is "its image is its own again" 0 "$DIR/images/f.img"
lacks "the live XML says nothing of it" 'images/f.img' svirt dumpxml a
ok "the guest has the last before it" wait_for 20 has vde
ok "one of them is detached" detach c-disk
ok "and leaves its port" attach f-disk
is "the image is a's" "$id" "$DIR/images/f.img"

# ---- one that it was started with
cat >"$DIR/defined.xml" <<XML
<disk type='file'><source file='$DIR/images/a.img'/><target dev='vda' bus='virtio'/></disk>
XML
ok "the disk of its definition is detached" detach defined
ok "the guest has it no more" wait_for 20 lacks_it vda
is "its image is its own again" 0 "$DIR/images/a.img"

ok "a is destroyed" svirt destroy a
is "what was attached is its own again" 0 "$DIR/images/f.img"

# ---- more ports, and none that works
make_domain g
sed -i "s,machine='pc',machine='q35'," "$DIR/g.xml"
sed '/<acpi/d; s,<name>g,<name>h,; s,g.console,h.console,' "$DIR/g.xml" >"$DIR/h.xml"
for port in 1 2 3 4 5 6; do
  sed -i "0,/<devices>/s,,&<controller type='pci' model='pcie-root-port' index='$port'/>," "$DIR/g.xml"
done
ok "g is defined with six ports" svirt define "$DIR/g.xml"
ok "g starts" svirt start g
for name in b c d e f; do
  ok "disk $name is attached" svirt attach-device g "$DIR/$name-disk.xml"
done
ok "g is destroyed" svirt destroy g
ok "h is defined without ACPI" svirt define "$DIR/h.xml"
ok "h starts" svirt start h
refused "it cannot be given a disk" 'without ACPI: define the domain with <acpi/>' \
  svirt attach-device h "$DIR/b-disk.xml"
is "whose image is its own" 0 "$DIR/images/b.img"
ok "h is destroyed" svirt destroy h
finish
