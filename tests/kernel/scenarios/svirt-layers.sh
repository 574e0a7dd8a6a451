#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Models beside each other under an enforcing SELinux: a user of the domain's own, and Landlock's
# rules, on top of its context. Each layer holds on its own, and what changes, changes in all of them
# or in none.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

images=/var/lib/svirt/images
mkdir -p $images /etc/svirt
chmod 0711 $images
restorecon -RF /var/lib/svirt /run/svirt /usr/bin/svirt /etc/svirt 2>/dev/null

configure() { printf '%s\n' "$@" >/etc/svirt/svirt.conf; }

# The guest has nothing to boot: what is tested is its emulator.
usb_disk() { # IMAGE TARGET [IN_SOURCE]
  echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/>
    <source file='$images/$1.img'>${3-}</source><target dev='$2' bus='usb'/></disk>"
}
make_disk() { # NAME, which only its owner may use
  truncate -s 1M "$images/$1.img"
  printf 'the disk of %s' "$1" | dd of="$images/$1.img" conv=notrunc status=none
  chmod 0600 "$images/$1.img"
}
make_domain() { # NAME DISKS [SECLABELS]
  cat >"$images/$1.xml" <<XML
<domain type='qemu'>
  <name>$1</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>$2</devices>
  ${3-}
</domain>
XML
}
for vm in a b extra; do
  make_disk $vm
done
# Both are to go back to just this.
chown 1234:1235 $images/a.img
chcon -l s0:c7 $images/a.img
for vm in a b; do
  make_domain $vm "$(usb_disk $vm sda)"
done
usb_disk extra sdb >$images/extra.xml

bears() { stat -c '%C %u:%g' -- "$images/$1.img"; }
everything() { (cd $images && stat -c '%n %C %u:%g %a' -- *.img); }
pid_of() { svirt list --json | grep -A3 "\"name\": \"$1\"" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'; }
level_of() { cut -d: -f4- <<<"$1"; }
ids() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' ' | sed 's/ *$//'; }
# One line for each layer, as dominfo's JSON has it.
security_of() {
  svirt dominfo "$1" --json | python3 -c 'import json, sys
for s in json.load(sys.stdin)["security"]:
    print(s["model"], s["label"], "enforcing" if s["enforcing"] else "permissive",
          "verified" if s["verified"] else "told")'
}
# nothing_left WHAT: no label on a disk, no row in the registry, no emulator.
nothing_left() {
  equal "$1 leaves every context, owner and mode as it was" "$before" "$(everything)"
  equal "$1 leaves nobody with a label" '' "$(svirt labels)"
  equal "$1 leaves no emulator" '' "$(pgrep qemu-system)"
}
before=$(everything)

configure '[confinement]' 'models = selinux, dac'

# --- Two domains, two layers ---

for vm in a b; do
  ok "$vm is defined" svirt define $images/$vm.xml
done
plan() { svirt plan "$1" || [ $? -eq 10 ]; } # 10: a start would change something
contains "the plan has the context of the disk" 'virt_image_t:s0:c7 -> .*svirt_image_t:s0:c[0-9]+,c' plan a
contains "and its owner" '\+1234:\+1235 -> \+2100[0-9]{6}:\+2100' plan a
equal "and changes neither" "$before" "$(everything)"
for vm in a b; do
  ok "$vm starts" setpriv --groups 6,1234 svirt start $vm # disk, and one that a's disk has
done
for vm in a b; do
  pid=$(pid_of $vm)
  label=$(label_of_pid "$pid")
  id=$(stat -c %u "/proc/$pid")
  contains "$vm's emulator has a context of its own" ':svirt_t:s0:c[0-9]+,c[0-9]+$' echo "$label"
  contains "and a user of its own" '^2100[0-9]{6}$' echo "$id"
  for kind in Uid Gid; do
    equal "all four ${kind}s of it are that" "$id $id $id $id" "$(ids "$pid" $kind)"
  done
  equal "it is in no other groups, such as the launcher's" '' "$(ids "$pid" Groups)"
  for set in Inh Prm Eff Bnd Amb; do
    equal "and has an empty Cap$set" 0000000000000000 "$(ids "$pid" Cap$set)"
  done
  equal "$vm's disk has both" "system_u:object_r:svirt_image_t:$(level_of "$label") $id:$id" "$(bears $vm)"
  contains "dominfo shows the context" "^Security label: +$label \(enforcing\)$" svirt dominfo $vm
  contains "and the user" "^Security label: +\+$id:\+$id \(enforcing\)$" svirt dominfo $vm
  equal "so does its JSON, each read from the kernel" \
    "selinux $label enforcing verified
dac +$id:+$id enforcing verified" "$(security_of $vm)"
  contains "dumpxml shows the context" "<label>$label</label>" svirt dumpxml $vm
  contains "and the user" "<label>\+$id:\+$id</label>" svirt dumpxml $vm
  contains "labels has a line for the context" "^ +selinux +$label$" svirt labels
  contains "and one for the user" "^ +dac +\+$id:\+$id$" svirt labels
  declare "${vm}_label=$label" "${vm}_id=$id"
done
# shellcheck disable=SC2154 # declared above
differ "their contexts differ" "$a_label" "$b_label"
# shellcheck disable=SC2154 # the same
differ "so do their users" "$a_id" "$b_id"

no_avc "svirt was refused nothing" 'comm="svirt"'

# --- Each layer by itself ---

# as USER CONTEXT FILE: reads the file as any user under any guest's context. A launcher labels and
# becomes somebody else in one go, as svirt does.
cp /usr/bin/setpriv /usr/local/bin/probe-launcher
chcon -t virtd_exec_t /usr/local/bin/probe-launcher
for tool in head dd setpriv; do
  cp /usr/bin/$tool /usr/local/bin/probe-$tool
  chcon -t qemu_exec_t /usr/local/bin/probe-$tool
done
as() {
  /usr/local/bin/probe-launcher --reuid "$1" --regid "$1" --clear-groups --selinux-label "$2" \
    -- /usr/local/bin/probe-head -c 13 "$images/$3.img"
}
contains "a's user and context: a's disk is read" '^the disk of a' as "$a_id" "$a_label" a
avc_mark
refused "a's user and b's context: a's disk is refused" 'Permission denied' as "$a_id" "$b_label" a
avc "by SELinux" 'denied +\{ read' "scontext=$b_label" \
  "tcontext=[^ ]*svirt_image_t:$(level_of "$a_label") " 'tclass=file' 'permissive=0'
avc_mark
refused "b's user and a's context: a's disk is refused" 'Permission denied' as "$b_id" "$a_label" a
no_avc "and SELinux has nothing against it" 'svirt_image_t'
refused "root and a's context: root may not pass by owners, and is refused" 'Permission denied' \
  as 0 "$a_label" a

probe() { svirt run "$1" -- /usr/local/bin/probe-head -c 13 "$images/$2.img"; }
scribble() {
  svirt run "$1" -- /usr/local/bin/probe-dd if=/dev/zero of="$images/$2.img" bs=1 seek=1000 count=1 \
    conv=notrunc
}
contains "confined as a: its own disk is read" '^the disk of a' probe a a
ok "and written" scribble a a
refused "confined as a: b's disk is refused" 'Permission denied' probe a b
refused "confined as b: a's disk is refused" 'Permission denied' probe b a

# --- Devices that come and go ---

while_running=$(everything)
ok "a disk is attached" svirt attach-device a $images/extra.xml
equal "and gets both" "system_u:object_r:svirt_image_t:$(level_of "$a_label") $a_id:$a_id" "$(bears extra)"
contains "confined as a: it is read" '^the disk of e' probe a extra
refused "b is not given it" 'in use by domain a ' svirt attach-device b $images/extra.xml
ok "it is detached" svirt detach-device a $images/extra.xml
equal "and has neither any more" "$while_running" "$(everything)"

# The second layer refuses: the first one is as it was.
chmod 4600 $images/extra.img
refused "a disk that cannot be given away is not attached" 'would lose its set-user-ID bit' \
  svirt attach-device a $images/extra.xml
chmod 0600 $images/extra.img
equal "and keeps its context" "$while_running" "$(everything)"
# The first one does: so is the second.
usb_disk extra sdb "<seclabel model='selinux' relabel='yes'>
  <label>system_u:object_r:shadow_t:s0</label></seclabel>" >$images/forbidden.xml
refused "a disk that may not have its context is not attached" 'relabelto' \
  svirt attach-device a $images/forbidden.xml
equal "and keeps its owner" "$while_running" "$(everything)"
equal "a runs on under both layers" "$a_label $a_id" \
  "$(label_of_pid "$(pid_of a)") $(stat -c %u "/proc/$(pid_of a)")"

# --- The end ---

ok "a is destroyed" svirt destroy a
equal "its disk has its context and its owner back" "$(grep '^a' <<<"$before")" "$(everything | grep '^a')"
lacks "and its labels are free" "^a " svirt labels
# Nothing of svirt runs between the end of b and recover: every command would put things in order.
pid=$(pid_of b)
kill -KILL "$pid"
ok "b's emulator is killed" wait_for 20 ended "$pid"
differ "which leaves its disk as it was" "$before" "$(everything)"
ok "recover puts it in order" svirt recover
nothing_left "a killed emulator"

# svirt itself is killed: before it changes the owner of the disk, which it does first, before that of
# the run directory, and when the emulator is about to be started.
strike() { # SYSTEM_CALL WHAT WHEN
  strace -f -o "$OUT/strace.log" -e "trace=$1" -e "inject=$1:$2:when=$3" svirt start a
}
killed() { strike fchownat signal=KILL "$1" || [ $? -eq 137 ]; }
ok "svirt is killed before it gives the disk away" killed 1
contains "which leaves it with a new context and its old owner" \
  ':svirt_image_t:s0:c[0-9]+,c[0-9]+ 1234:1235$' bears a
ok "recover puts it in order" svirt recover
nothing_left "a svirt killed between two layers"
ok "svirt is killed after it" killed 2
contains "which leaves it with both" ':svirt_image_t:s0:c[0-9]+,c[0-9]+ 2100[0-9]{6}:2100' bears a
ok "recover puts it in order" svirt recover
nothing_left "a svirt killed within a layer"
svirt start a &
pid=$!
has_both() { [[ $(bears a) == *:svirt_image_t:*' 2100'* ]]; }
ok "a start has changed both" wait_for 20 has_both
kill -KILL $pid
wait $pid 2>/dev/null
ok "svirt is killed, which leaves both" has_both
ok "recover puts them in order" svirt recover
nothing_left "a svirt killed later"

# --- All or nothing ---

refused "an owner that cannot be changed stops the start" 'dac: cannot give .*: Input/output error$' \
  strike fchownat error=EIO 2
nothing_left "a failing second layer"
refused "so does a context" 'selinux: cannot label .*: No space left on device$' \
  strike setxattr error=ENOSPC 2
nothing_left "a failing first layer"
chmod 4600 $images/a.img
refused "a disk that cannot be given away stops the start" 'would lose its set-user-ID bit' svirt start a
chmod 0600 $images/a.img
nothing_left "a disk that cannot be given away"
chmod 0700 $images
refused "so does a directory that the user may not pass" "may not pass the directory $images " svirt start a
chmod 0711 $images
nothing_left "a directory that is shut"
make_disk ro
mkdir $images/ro
mount -t tmpfs -o mode=711 tmpfs $images/ro
cp $images/ro.img $images/ro/ro.img
chcon -R -t virt_image_t $images/ro
mount -o remount,ro $images/ro
sed "s,/a.img,/ro/ro.img,; s,>a<,>ro<," $images/a.xml >$images/ro.xml
ro_before=$(stat -c '%C %u:%g' $images/ro/ro.img)
ok "a domain on a read-only file system is defined" svirt define $images/ro.xml
refused "and not started" 'its file system is mounted read-only' svirt start ro
equal "which changes nothing there" "$ro_before" "$(stat -c '%C %u:%g' $images/ro/ro.img)"
umount $images/ro
rm $images/ro.img
nothing_left "a read-only file system"

configure '[confinement]' 'models = selinux, dac' '[model dac]' 'first_id = 300000' 'count = 1'
ok "a starts with the only user there is" svirt start a
equal "which is that" 300000 "$(stat -c %u "/proc/$(pid_of a)")"
while_running=$(everything)
refused "and b has none left" 'all 1 labels' svirt start b
equal "so its disk keeps its context, too" "$while_running" "$(everything)"
lacks "and no context is taken for it" "^b " svirt labels
ok "a is destroyed" svirt destroy a
nothing_left "a range that is full"

# --- Layers that are switched off meanwhile ---

configure '[confinement]' 'models = selinux, dac'
ok "a is labelled for another VM manager" svirt label $images/a.xml
contains "with both" ':svirt_image_t:s0:c[0-9]+,c[0-9]+ 2100[0-9]{6}:2100' bears a
ok "and gets its own back" svirt restore $images/a.xml
nothing_left "a restored domain"
ok "a starts" svirt start a
configure '[confinement]' 'models = selinux'
while_running=$(everything)
ok "with a layer less for domains to come, it is given a disk" svirt attach-device a $images/extra.xml
contains "which has both" ':svirt_image_t:s0:c[0-9]+,c[0-9]+ 2100[0-9]{6}:2100' bears extra
contains "a program that is run as it has both" '^the disk of a' probe a a
ok "the disk is detached" svirt detach-device a $images/extra.xml
equal "and has neither" "$while_running" "$(everything)"
plugin=$(find /usr/lib -name svirt-dac.so)
mv "$plugin" /root/
refused "without the plugin it is not given a disk" 'started under model dac' \
  svirt attach-device a $images/extra.xml
refused "nor is a program run as it" 'started under model dac' probe a a
refused "and its owner is not forgotten at the end" 'model dac, whose plugin is not active' svirt destroy a
contains "but waits on its disk" ' 2100[0-9]{6}:2100[0-9]{6}$' bears a
mv /root/svirt-dac.so "$plugin"
ok "until the plugin is back" svirt recover
nothing_left "a layer that was away"

# --- Layers that a domain declines ---

configure '[confinement]' 'models = selinux, dac'
make_disk c
make_domain c "$(usb_disk c sda)" "<seclabel type='none' model='selinux'/>
  <seclabel type='static' model='dac' relabel='yes'><label>4242:4243</label></seclabel>"
c_before=$(bears c)
ok "a domain without a context is defined" svirt define $images/c.xml
ok "and starts" svirt start c
pid=$(pid_of c)
contains "in the launcher's own domain" ':virtd_t:s0$' label_of_pid "$pid"
equal "as the user that it asks for" '4242 4242 4242 4242' "$(ids "$pid" Uid)"
equal "its disk has the owner alone" "${c_before% *} 4242:4243" "$(bears c)"
ok "it ends" svirt destroy c
equal "and its disk has the old one" "$c_before" "$(bears c)"
make_domain c "$(usb_disk c sda)" "<uuid>$(svirt dumpxml c | sed -n 's/.*<uuid>\(.*\)<.*/\1/p')</uuid>
  <seclabel type='dynamic' model='selinux'/><seclabel type='none' model='dac'/>"
ok "a domain without a user is defined" svirt define $images/c.xml
ok "and starts" svirt start c
pid=$(pid_of c)
contains "under a context of its own" ':svirt_t:s0:c[0-9]+,c[0-9]+$' label_of_pid "$pid"
equal "as root" '0 0 0 0' "$(ids "$pid" Uid)"
contains "its disk has the context alone" ':svirt_image_t:s0:c[0-9]+,c[0-9]+ 0:0$' bears c
ok "it ends" svirt destroy c
ok "and is forgotten" svirt undefine c
rm $images/c.img
nothing_left "what declines a layer"

# --- Three layers ---

configure '[confinement]' 'models = selinux, landlock'
ok "b starts under a context and Landlock's rules" svirt start b
contains "it has the one" ':svirt_t:s0:c[0-9]+,c[0-9]+$' label_of_pid "$(pid_of b)"
contains "and the other" '^landlock landlock:[0-9a-f-]{36}:[0-9a-f]+ enforcing told$' security_of b
contains "confined as b: its own disk is read" '^the disk of b' probe b b
ok "b is destroyed" svirt destroy b
nothing_left "a domain with two layers"

configure '[confinement]' 'models = selinux, landlock, dac'
ok "a starts under three models" svirt start a
pid=$(pid_of a)
a_label=$(label_of_pid "$pid")
a_id=$(stat -c %u "/proc/$pid")
contains "it has a context" ':svirt_t:s0:c[0-9]+,c[0-9]+$' echo "$a_label"
equal "a user" "$a_id $a_id $a_id $a_id" "$(ids "$pid" Uid)"
contains "and Landlock's rules" '^landlock landlock:[0-9a-f-]{36}:[0-9a-f]+ enforcing told$' security_of a
contains "root needs no no_new_privs for them" '^no_new_privs: 0$' \
  svirt run a -- /usr/local/bin/probe-setpriv --dump
contains "confined as a: its own disk is read" '^the disk of a' probe a a
make_disk stray
chown "$a_id:$a_id" $images/stray.img
chcon "system_u:object_r:svirt_image_t:$(level_of "$a_label")" $images/stray.img
contains "a's user and context: another disk of a's is read" '^the disk of s' as "$a_id" "$a_label" stray
avc_mark
refused "but not behind a's rules" 'Permission denied' probe a stray
no_avc "which are not SELinux'" 'svirt_image_t'
rm $images/stray.img
refused "rules are final: no disk is attached" 'model landlock cannot change' svirt attach-device a $images/extra.xml
equal "and it keeps its context and its owner" "$(grep '^extra' <<<"$before")" \
  "$(everything | grep '^extra')"
ok "a is destroyed" svirt destroy a
nothing_left "a domain with three layers"

# Without CAP_SYS_ADMIN Landlock demands no_new_privs, behind which a context changes only if the
# policy says so. Our module does.
lesser() { setpriv --bounding-set -sys_admin --inh-caps -sys_admin svirt "$@"; }
ok "a starts without the right to do without no_new_privs" lesser start a
pid=$(pid_of a)
contains "under a context all the same" ':svirt_t:s0:c[0-9]+,c[0-9]+$' label_of_pid "$pid"
contains "and as a user" '^2100[0-9]{6}$' stat -c %u "/proc/$pid"
contains "and behind no_new_privs" '^no_new_privs: 1$' \
  lesser run a -- /usr/local/bin/probe-setpriv --dump
ok "a is destroyed" lesser destroy a
nothing_left "a domain behind no_new_privs"

equal "SELinux is still enforcing" Enforcing "$(getenforce)"
finish
