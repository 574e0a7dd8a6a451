#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a running domain may use follows what it has, under the model that is active: disks that come
# and go, and block commits through its image chain. QEMU itself is the witness: it is asked over its
# monitor to open files, confined as it is.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

images=/var/lib/svirt/images
mkdir -p $images
restorecon -RF /var/lib/svirt /run/svirt /usr/bin/svirt 2>/dev/null

# The guest has nothing to boot: what is tested is its emulator.
for image in own extra foreign; do
  truncate -s 1M $images/$image.img
done
qemu-img create -q -f qcow2 $images/base.qcow2 4M
qemu-img create -q -f qcow2 -F qcow2 -b $images/base.qcow2 $images/mid.qcow2
qemu-img create -q -f qcow2 -F qcow2 -b $images/mid.qcow2 $images/top.qcow2
qemu-io -c 'write -P 7 0 64k' $images/mid.qcow2 >/dev/null
qemu-io -c 'write -P 9 64k 64k' $images/top.qcow2 >/dev/null
restorecon -RF $images 2>/dev/null

make_domain() { # NAME DISKS
  cat >"$images/$1.xml" <<XML
<domain type='qemu'>
  <name>$1</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>$2</devices>
</domain>
XML
}
usb_disk() { # IMAGE TARGET
  echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/>
    <source file='$images/$1.img'/><target dev='$2' bus='usb'/></disk>"
}
make_domain live "
  <disk type='file' device='disk'>
    <driver name='qemu' type='qcow2'/>
    <source file='$images/top.qcow2'/>
    <backingStore type='file'><format type='qcow2'/><source file='$images/mid.qcow2'/>
      <backingStore type='file'><format type='qcow2'/><source file='$images/base.qcow2'/>
        <backingStore/>
      </backingStore>
    </backingStore>
    <target dev='vda' bus='virtio'/>
  </disk>
  $(usb_disk own sda)"
make_domain other "$(usb_disk foreign sda)"
usb_disk extra sdb >$images/extra.xml

labels() { (cd $images && stat -c '%n %C %u:%g %a' -- *.img *.qcow2 2>/dev/null); }
uuid_of() { svirt dumpxml "$1" | sed -n 's/.*<uuid>\(.*\)<.*/\1/p'; }
ask() { "$SVIRT_TEST/qmp" "/run/svirt/domains/$uuid/monitor.sock" "$@"; }
# May the emulator open the file now? A node of its own, closed again.
opens() { # FILE [read-only]
  ask blockdev-add "{\"driver\":\"file\",\"node-name\":\"try\",\"filename\":\"$1\",
    \"read-only\":${2:-false},\"locking\":\"off\"}" &&
    ask blockdev-del '{"node-name":"try"}'
}
# What the kernel has loaded for the emulator, if the model loads anything.
policy() { cat /sys/kernel/security/apparmor/policy/profiles/"$label".*/sha1 2>/dev/null; }

model=$(svirt plugins | sed -n 's/^Domains get: \([^,]*\).*/\1/p')
ok "a model is active" test -n "$model"
before=$(labels)
ok "the domain is defined" svirt define $images/live.xml
ok "and another" svirt define $images/other.xml
ok "it starts" svirt start live
ok "the other starts" svirt start other
uuid=$(uuid_of live)
label=$(svirt dominfo live | sed -n 's/^Security label: *\([^ ]*\).*/\1/p' | head -n 1)
ok "it has a label" test -n "$label"
contains "and a user of its own" '^\+2100[0-9]{6}:\+2100' \
  bash -c "svirt dominfo live | sed -n 's/^Security label: *//p'"
policy_at_start=$(policy)
[[ $model != apparmor ]] || ok "and a policy" test -n "$policy_at_start"
labels_at_start=$(labels)

# --- Disks ---

refused "the emulator cannot open a disk that it does not have" 'Permission denied' \
  opens $images/extra.img
ok "the disk is attached" svirt attach-device live $images/extra.xml
ok "now it can" opens $images/extra.img
refused "the other domain's disk it cannot" 'Permission denied' opens $images/foreign.img
ok "it can open its first disk" opens $images/own.img
while_attached=$(labels)$(policy)
svirt run live -- /usr/bin/true 2>/dev/null # which not every model lets become a guest
equal "a program that is run as the domain takes nothing from it" "$while_attached" \
  "$(labels)$(policy)"
ok "so the emulator can still open the disk" opens $images/extra.img
ok "the disk is detached" svirt detach-device live $images/extra.xml
refused "the emulator can open it no more" 'Permission denied' opens $images/extra.img
equal "labels are those of the start" "$labels_at_start" "$(labels)"
equal "so is the policy" "$policy_at_start" "$(policy)"
usb_disk foreign sdb >$images/foreign.xml
refused "the other domain's disk is not attached" 'in use by domain' \
  svirt attach-device live $images/foreign.xml
refused "and cannot be opened" 'Permission denied' opens $images/foreign.img
equal "nothing has changed" "$labels_at_start$policy_at_start" "$(labels)$(policy)"
for ((i = 0; i < 5; ++i)); do
  svirt attach-device live $images/extra.xml && svirt detach-device live $images/extra.xml
done >/dev/null
equal "nor after five times" "$labels_at_start$policy_at_start" "$(labels)$(policy)"

# --- Block commit ---

commit() { # TOP: into its base
  ask block-commit "{\"job-id\":\"job\",\"device\":\"vda-0\",\"top-node\":\"$1\",
    \"base-node\":\"vda-2\",\"auto-dismiss\":false}"
}
refused "the base image is not written to just like that" 'Permission denied' commit vda-1
ok "the base image may be written to" svirt set-access live $images/base.qcow2 read-write
ok "now the commit starts" commit vda-1
ok "and ends" ask --until concluded job
ok "and is done with" ask job-dismiss '{"id":"job"}'
ok "the base image may be written to no more" svirt set-access live $images/base.qcow2 read-only
refused "and is not" 'Permission denied' opens $images/base.qcow2
ok "it may be read" opens $images/base.qcow2 true
equal "everything is as before the commit" "$labels_at_start$policy_at_start" "$(labels)$(policy)"

for ((i = 0; i < 10; ++i)); do
  svirt set-access live $images/base.qcow2 read-write &&
    svirt set-access live $images/base.qcow2 read-only
done >/dev/null
equal "and after ten times" "$labels_at_start$policy_at_start" "$(labels)$(policy)"
ok "once more, for the commit of the top" svirt set-access live $images/base.qcow2 read-write
ok "which starts" commit vda-0
ok "gets ready" ask --until ready job
ok "turns over to the base image" ask job-complete '{"id":"job"}'
ok "and ends" ask --until concluded job
ok "and is done with" ask job-dismiss '{"id":"job"}'
contains "the guest's disk is the base image" '"vda-2"' \
  ask query-block '{}'
with_access=$(labels)$(policy)
refused "the guest's disk is not made read-only under it" 'QEMU refused' \
  svirt set-access live $images/base.qcow2 read-only
equal "and stays what it was" "$with_access" "$(labels)$(policy)"
refused "an image that is none of its chain is refused" 'has no backing image' \
  svirt set-access live $images/foreign.img read-write

# --- The end, unforeseen ---

kill -9 "$(svirt list --json | grep -A3 '"name": "live"' | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')"
equal "the domain is cleaned up" "shut off" "$(svirt domstate live)"
ok "the other is destroyed" svirt destroy other
equal "every label is as before" "$before" "$(labels)"
equal "no policy is left" '' "$(policy)"
contains "what was committed is in the base image" 'read 65536/65536' \
  qemu-io -f qcow2 -c 'read -P 7 0 64k' -c 'read -P 9 64k 64k' $images/base.qcow2
finish
