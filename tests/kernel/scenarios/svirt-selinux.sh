#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The whole way under an enforcing SELinux with the distribution's policy and our module: two
# domains with labels of their own, isolation with the denials to show for it, every kind of
# seclabel, and every label back at the end.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"
# shellcheck source=../guest/forbidden-paths.sh
. "$SVIRT_TEST/forbidden-paths.sh"

images=/var/lib/svirt/images
mkdir -p $images
chmod 0711 $images # for the user that every domain has of its own
restorecon -RF /var/lib/svirt /run/svirt /usr/bin/svirt 2>/dev/null

# make_domain NAME [SECLABEL]: NAME.xml among the images, where the launcher may read it.
make_domain() {
  truncate -s 1M "$images/$1.img"
  printf 'the disk of %s' "$1" | dd of="$images/$1.img" conv=notrunc status=none
  cat >"$images/$1.xml" <<XML
<domain type='qemu'>
  <name>$1</name>
  <memory unit='MiB'>128</memory>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>$images/vmlinuz</kernel>
    <initrd>$images/initrd.gz</initrd>
    <cmdline>$GUEST_CMDLINE</cmdline>
  </os>
  <features>
    <acpi/>
  </features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$images/$1.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
      <source file='$images/shared.img'/>
      <target dev='vdb' bus='virtio'/>
      <shareable/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='$images/readonly.iso'/>
      <target dev='hdc' bus='ide'/>
      <readonly/>
    </disk>
    <serial type='file'>
      <source path='$images/$1.console'/>
      <target port='0'/>
    </serial>
  </devices>
  ${2-}
</domain>
XML
}
cp "$GUEST_KERNEL" $images/vmlinuz
cp "$GUEST_INITRD" $images/initrd.gz
truncate -s 1M $images/shared.img $images/readonly.iso
for vm in a b; do
  make_domain $vm
  touch $images/$vm.console
done
labels() { (cd $images && stat -c '%n %C %u:%g %a' ./*.img ./*.iso ./vmlinuz ./initrd.gz ./*.console); }
before=$(labels)

contains "SELinux is selected" '^selected +selinux' svirt plugins
contains "capabilities name the model" '<model>selinux</model>' svirt capabilities
contains "and the base label" '<baselabel type=.qemu.>system_u:system_r:svirt' svirt capabilities
contains "and the policy" "<policy type='default' version='[0-9]+' enforcing='yes'/>" svirt capabilities

for vm in a b; do
  ok "$vm is defined" svirt define $images/$vm.xml
done
plan_status() {
  svirt plan "$1" >/dev/null
  echo $?
}
equal "the plan of a start says that labels change" 10 "$(plan_status a)"
for vm in a b; do
  ok "$vm starts" svirt start $vm
done

pid_of() { svirt list --json | grep -A3 "\"name\": \"$1\"" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'; }
level_of() { cut -d: -f4- <<<"$1"; }
a_label=$(label_of_pid "$(pid_of a)")
b_label=$(label_of_pid "$(pid_of b)")
a_level=$(level_of "$a_label")
b_level=$(level_of "$b_label")
# What stands beside the context by default.
ids() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$(pid_of "$1")/status" | tr '\t' ' ' | sed 's/ *$//'; }
for vm in a b; do
  id=$(stat -c %u "/proc/$(pid_of $vm)")
  contains "$vm has a user of its own" '^2100[0-9]{6}$' echo "$id"
  equal "and no other" "$id $id $id $id" "$(ids $vm Uid)"
  for set in Inh Prm Eff Bnd Amb; do
    equal "$vm has an empty Cap$set" 0000000000000000 "$(ids $vm Cap$set)"
  done
done
differ "the users differ" "$(ids a Uid)" "$(ids b Uid)"
pair=':svirt(_tcg)?_t:s0:c[0-9]+,c[0-9]+$'
contains "a runs as a guest with a pair of categories" "$pair" echo "$a_label"
contains "so does b" "$pair" echo "$b_label"
differ "the pairs differ" "$a_level" "$b_level"
contains "ps -Z of the distribution shows a's" "^$a_label +$(pid_of a) " ps -eo label,pid,comm
ps -o label,pid,comm -C qemu-system-x86_64
ls -Z $images
contains "ls -Z shows a's disk" ":svirt_image_t:$a_level .*a.img" ls -Z $images/a.img
contains "and b's" ":svirt_image_t:$b_level .*b.img" ls -Z $images/b.img
equal "the shared disk has no categories" system_u:object_r:svirt_image_t:s0 "$(label $images/shared.img)"
equal "the read-only disk is content" system_u:object_r:virt_content_t:s0 "$(label $images/readonly.iso)"
contains "dominfo shows model" '^Security model: selinux$' svirt dominfo a
contains "and the one beside it" '^Security model: dac$' svirt dominfo a
contains "dominfo shows the label of the kernel" "^Security label: $a_label \(enforcing\)$" svirt dominfo a
contains "dumpxml shows the label" "<label>$a_label</label>" svirt dumpxml a

# Isolation: programs that are entry points, under a's label.
for tool in head dd; do
  cp /usr/bin/$tool /usr/local/bin/probe-$tool
  chcon -t qemu_exec_t /usr/local/bin/probe-$tool
done
probe() { svirt run "$1" -- /usr/local/bin/probe-head -c 13 "$2"; }
scribble() {
  svirt run "$1" -- /usr/local/bin/probe-dd if=/dev/zero of="$2" bs=1 seek=1000 count=1 conv=notrunc
}
avc_mark
contains "as a: its own disk is read" '^the disk of a' probe a $images/a.img
ok "as a: its own disk is written" scribble a $images/a.img
ok "as a: the shared disk is written" scribble a $images/shared.img
ok "as a: the read-only disk is read" probe a $images/readonly.iso
avc_mark
refused "as a: b's disk is refused" 'Permission denied' probe a $images/b.img
avc "and the kernel says so" 'denied +\{ read' "scontext=$a_label" "tcontext=[^ ]*svirt_image_t:$b_level" \
  'tclass=file' 'permissive=0'
refused "as a: the read-only disk is not written" 'Permission denied' scribble a $images/readonly.iso
# (Debian's policy keeps that denial out of the log.)
refused "as b: a's disk is refused" 'Permission denied' probe b $images/a.img
refused "as a: the passwords are refused" 'Permission denied' probe a /etc/shadow
refused "as a: the registry of labels is refused" 'Permission denied' probe a /var/lib/svirt/labels.db
refused "a program that is no entry point is refused, with a sentence" 'entry ?point|entrypoint' \
  svirt run a -- /usr/bin/head -c 1 $images/a.img
ok "a still runs" test -d "/proc/$(pid_of a)"

# Devices of a running domain.
truncate -s 1M $images/extra.img
extra_before=$(label $images/extra.img)
cat >$images/extra.xml <<XML
<disk type='file' device='disk'>
  <driver name='qemu' type='raw'/>
  <source file='$images/extra.img'/>
  <target dev='vdd' bus='virtio'/>
</disk>
XML
sed "s/extra.img/b.img/; s/vdd/vde/" $images/extra.xml >$images/foreign.xml
ok "a disk is attached to a" svirt attach-device a $images/extra.xml
equal "and has a's label" "system_u:object_r:svirt_image_t:$a_level" "$(label $images/extra.img)"
contains "what is run as a meanwhile" '^the disk of a' probe a $images/a.img
equal "takes it from nobody" "system_u:object_r:svirt_image_t:$a_level" "$(label $images/extra.img)"
refused "b's disk is not given to a" 'in use by domain b ' svirt attach-device a $images/foreign.xml
equal "and keeps b's label" "system_u:object_r:svirt_image_t:$b_level" "$(label $images/b.img)"
sed "s/bus='virtio'/bus='ide'/; s/vdd/hdd/; s/extra.img/other.img/" $images/extra.xml >$images/ide.xml
truncate -s 1M $images/other.img
refused "a disk that QEMU refuses" 'hotplug' svirt attach-device a $images/ide.xml
equal "has its own label back" "$extra_before" "$(label $images/other.img)"
rm $images/other.img

small() { # NAME SECLABEL: a domain without the shared things
  make_domain "$1" "$2"
  touch "$images/$1.console"
}

# b goes to another host: a root of its own, on the same files.
there() { svirt --root /var/lib/svirt/there "$@"; }
mkdir /var/lib/svirt/there
sed "s|</name>|</name><uuid>$(svirt dominfo b | sed -n 's/^UUID: *//p')</uuid>|" $images/b.xml >$images/there.xml
svirt handover begin-out b >$images/b.handover
contains "the handover has b's label" "\"label\": \"$b_label\"" cat $images/b.handover
contains "and what its disk had" '"old_label": "system_u:object_r:virt_image_t:s0"' cat $images/b.handover
ok "the other host prepares for b" there handover prepare-in $images/b.handover
small c "<seclabel type='static' model='selinux' relabel='yes'><label>$b_label</label></seclabel>"
refused "it has no other domain of this label" 'shares a part with the label of domain b' \
  there label $images/c.xml
rm $images/c.*
contains "a program there reads b's disk while b runs here" '^the disk of b' \
  there run $images/there.xml -- /usr/local/bin/probe-head -c 13 $images/b.img
equal "which kept its label" "system_u:object_r:svirt_image_t:$b_level" "$(label $images/b.img)"
ok "b is gone from here" svirt handover commit b
ok "and ended" svirt destroy b
equal "which leaves its disk to the other host" "system_u:object_r:svirt_image_t:$b_level" "$(label $images/b.img)"
lacks "its label is free here" "$b_level" svirt labels
ok "b has come there" there handover commit b
ok "and ends there" there recover
equal "nobody holds a label there" "" "$(there labels)"
rm -r /var/lib/svirt/there $images/b.handover $images/there.xml

ok "a is destroyed" svirt destroy a
equal "and the attached disk has its own label back" "$extra_before" "$(label $images/extra.img)"
rm $images/extra.img
equal "after destroy every label and owner is as before" "$before" "$(labels)"

# The other kinds of seclabel.
small static "<seclabel type='static' model='selinux' relabel='yes'><label>system_u:system_r:svirt_t:s0:c450,c560</label></seclabel>"
ok "a static domain is defined" svirt define $images/static.xml
ok "and starts" svirt start static
equal "under its label" system_u:system_r:svirt_t:s0:c450,c560 "$(label_of_pid "$(pid_of static)")"
equal "with its disk labelled to match" system_u:object_r:svirt_image_t:s0:c450,c560 "$(label $images/static.img)"
ok "and ends" svirt destroy static

small bad "<seclabel type='static' model='selinux' relabel='yes'><label>system_u:system_r:no_such_t:s0:c1,c2</label></seclabel>"
refused "a bad static label is refused at define" 'no_such_t' svirt define $images/bad.xml
small bad "<seclabel type='static' model='selinux' relabel='yes'><label>system_u:system_r:svirt_t:s0:c1024</label></seclabel>"
refused "so is a category that there is not" 'c1024' svirt define $images/bad.xml
small bad "<seclabel type='dynamic' model='frob'/>"
refused "so is a model that is not active" 'frob' svirt define $images/bad.xml

small base "<seclabel type='dynamic' model='selinux'><baselabel>system_u:system_r:svirt_t:s0</baselabel></seclabel>"
ok "a domain with a base label is defined" svirt define $images/base.xml
ok "and starts" svirt start base
contains "under that type" "$pair" label_of_pid "$(pid_of base)"
ok "and ends" svirt destroy base

small none "<seclabel type='none' model='selinux'/>"
none_before=$(label $images/none.img)
ok "a domain with none is defined" svirt define $images/none.xml
ok "and starts" svirt start none
contains "in the launcher's own domain" ':virtd_t:s0' label_of_pid "$(pid_of none)"
equal "its disk keeps its label" "$none_before" "$(label $images/none.img)"
ok "and ends" svirt destroy none

# Paths of the machine.
make_domain b
ok "b is defined again" svirt define $images/b.xml
forbidden_paths

# Images on a mount that gives all of them one label.
mkdir -p $images/context /etc/svirt
setenforce 0 # the policy lets nobody make such a mount from here, nor files on it
mount -t tmpfs -o size=16m,context=system_u:object_r:svirt_image_t:s0 tmpfs $images/context
for vm in one two; do
  small $vm
  mv $images/$vm.img $images/context/
  sed -i "s|$images/$vm.img|$images/context/$vm.img|" $images/$vm.xml
done
setenforce 1
equal "a mount gives all its images one label" system_u:object_r:svirt_image_t:s0 \
  "$(label $images/context/one.img)"
for vm in one two; do
  ok "a domain with an image on it is defined" svirt define $images/$vm.xml
  refused "$vm does not start" "$images/context/$vm.img. is to be the domain's alone, and does not bear" \
    svirt start $vm
  equal "its plan says that before" 20 "$(plan_status $vm)"
done
printf '[confinement]\nallow_unlabelled = %s\n' $images/context/one.img >/etc/svirt/svirt.conf
contains "one is accepted by its name, and told of" "context/one.img bears no label of its own" \
  svirt start one
contains "dominfo tells it" "context/one.img bears no label of its own" svirt dominfo one
contains "so does list" 'one +running \(unlabelled objects\)' svirt list
contains "and its JSON" "\"$images/context/one.img\"" svirt list --json
refused "the other is not" 'allow_unlabelled' svirt start two
ok "one ends" svirt destroy one
umount $images/context
rm -r $images/context $images/one.* $images/two.*
for vm in one two; do
  ok "$vm is undefined" svirt undefine $vm
done

# Permissive for a while.
setenforce 0
printf '[confinement]\nrequire_enforcing = yes\n' >/etc/svirt/svirt.conf
refused "with require_enforcing nothing starts under a permissive policy" 'selinux is permissive' \
  svirt start a
equal "which the plan says" 20 "$(plan_status a)"
rm /etc/svirt/svirt.conf
contains "without it a start warns" 'model selinux is permissive here' svirt start a
ok "and the domain ends" svirt destroy a
setenforce 1
lacks "under an enforcing policy no start warns" 'permissive' svirt start a
ok "and it ends" svirt destroy a

# Permissive while it runs.
permissive='model selinux enforced its policy on process [0-9]+ of domain a .* is permissive for it now'
ok "a starts" svirt start a
ok "list misses nothing" svirt list
ok "nor does verify" svirt verify a
setenforce 0
for command in list 'dominfo a' 'verify a' recover; do
  # shellcheck disable=SC2086
  refused "$command says so" "$permissive" svirt $command
done
refused "attach-device refuses" "$permissive" svirt attach-device a $images/extra.xml
contains "metrics count it" '^svirt_domains_lost 1$' svirt metrics
setenforce 1
ok "enforcing again, list misses nothing" svirt list
chcon -t virt_image_t $images/a.img
refused "verify finds a label that was changed" "^object label: $images/a.img was given the selinux label" \
  svirt verify a
ok "recover gives it again" svirt recover
ok "then nothing is found" svirt verify a
ok "it ends" svirt destroy a
setenforce 0
ok "a that starts under a permissive policy" svirt start a
ok "is no news" svirt list
ok "it ends" svirt destroy a
setenforce 1

# The launcher must be one: from another file type the start fails, and says what is missing.
cp /usr/bin/svirt /usr/bin/not-a-launcher
refused "a launcher with another file type is refused, with a sentence" 'virtd_exec_t' \
  /usr/bin/not-a-launcher start a
equal "and every label is as before" "$before" "$(labels | grep -vE '^\./(static|bad|base|none)\.')"

# The plugin against all rules of the ABI, most of which need a kernel with SELinux; the validator as
# a launcher, with a program that may become a guest.
cp /usr/bin/svirt-validate /usr/local/bin/validating-launcher
chcon -t virtd_exec_t /usr/local/bin/validating-launcher
chcon -t qemu_exec_t /usr/bin/true
plugin=$(find /usr/lib -name svirt-selinux.so)
# This processor is emulated, and other tests may run on the real one.
validate() { /usr/local/bin/validating-launcher --timeout 60000 "$plugin"; }
ok "the plugin keeps the rules of the ABI" validate
validator_skips() { validate | grep '# SKIP' | grep -vc 'has no entries on objects'; }
equal "all of which apply" 0 "$(validator_skips)"

equal "SELinux is still enforcing" Enforcing "$(getenforce)"
finish
