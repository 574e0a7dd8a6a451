#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The whole way under AppArmor: two domains with profiles of their own in enforce mode, isolation
# with the denials to show for it, every kind of seclabel, the administrator's own rules, and nothing
# left behind, also without the parser and on a system that cannot be written.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"
# shellcheck source=../guest/forbidden-paths.sh
. "$SVIRT_TEST/forbidden-paths.sh"

images=/srv/images
local=/etc/svirt/apparmor
cache=/var/cache/svirt/apparmor
mkdir -p $images $local

# make_domain NAME [SECLABEL [XML-NAME]]
make_domain() {
  truncate -s 1M "$images/$1.img"
  printf 'the disk of %s' "$1" | dd of="$images/$1.img" conv=notrunc status=none
  cat >"$images/$1.xml" <<XML
<domain type='qemu'>
  <name>${3-$1}</name>
  <uuid>$(uuid_of "$1")</uuid>
  <memory unit='MiB'>64</memory>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>$images/vmlinuz</kernel>
    <initrd>$images/initrd.gz</initrd>
    <cmdline>$GUEST_CMDLINE</cmdline>
  </os>
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
# A UUID that follows from the name.
uuid_of() { md5sum <<<"$1" | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-4\3-8\4-\5/'; }
cp "$GUEST_KERNEL" $images/vmlinuz
cp "$GUEST_INITRD" $images/initrd.gz
truncate -s 1M $images/shared.img $images/readonly.iso
chmod 0666 $images/readonly.iso # so that nobody but AppArmor refuses to write it

pid_of() { svirt list --json | grep -A3 "\"name\": \"$1\"" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'; }
current() { tr -d '\0' <"/proc/$1/attr/apparmor/current"; }
profiles() { grep "^${1-svirt-}" /sys/kernel/security/apparmor/profiles; }
number_of_profiles() { profiles "$@" | wc -l; }

contains "AppArmor is selected" '^selected +apparmor' svirt plugins
contains "capabilities name the model" '<model>apparmor</model>' svirt capabilities
equal "the trial profile of the probe is gone" 0 "$(number_of_profiles svirt-probe)"

# --- Two domains ---

for vm in a b; do
  make_domain $vm
  ok "$vm is defined" svirt define $images/$vm.xml
done
equal "to define loads nothing" 0 "$(number_of_profiles)"
for vm in a b; do
  ok "$vm starts" svirt start $vm
done
a_pid=$(pid_of a)
b_pid=$(pid_of b)
a_label=$(current "$a_pid")
b_label=$(current "$b_pid")
contains "a runs under its own profile in enforce mode" \
  "^svirt-$(uuid_of a)-[0-9a-f]{16} \(enforce\)$" echo "$a_label"
contains "so does b" "^svirt-$(uuid_of b)-[0-9a-f]{16} \(enforce\)$" echo "$b_label"
# What stands beside the profile by default.
ids() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' ' | sed 's/ *$//'; }
for pid in "$a_pid" "$b_pid"; do
  id=$(stat -c %u "/proc/$pid")
  contains "process $pid has a user of its own" '^2100[0-9]{6}$' echo "$id"
  equal "and no other" "$id $id $id $id" "$(ids "$pid" Uid)"
  for set in Inh Prm Eff Bnd Amb; do
    equal "and an empty Cap$set" 0000000000000000 "$(ids "$pid" Cap$set)"
  done
done
differ "the users differ" "$(ids "$a_pid" Uid)" "$(ids "$b_pid" Uid)"
contains "aa-status counts both" '^2 processes are in enforce mode' aa-status
contains "and names a's" "qemu-system-x86_64 \($a_pid\) ${a_label% (*}" aa-status
contains "dominfo shows the label" "^Security label: ${a_label% (*} \(enforcing\)$" svirt dominfo a
contains "dumpxml shows the label" "<label>${a_label% (*}</label>" svirt dumpxml a
# Libraries look into /proc, and go without.
unexpected() {
  avc_lines | grep 'profile="svirt-' | grep -vE 'name="/proc/[0-9]+/(mounts|status)"'
}
equal "nothing that it needed was denied" '' "$(unexpected)"

probe() { svirt run "$1" -- /usr/bin/head -c 13 "$2"; }
scribble() { svirt run "$1" -- /usr/bin/dd if=/dev/zero of="$2" bs=1 seek=1000 count=1 conv=notrunc; }
contains "as a: its own disk is read" '^the disk of a' probe a $images/a.img
ok "as a: its own disk is written" scribble a $images/a.img
ok "as a: the shared disk is written" scribble a $images/shared.img
ok "as a: the read-only disk is read" probe a $images/readonly.iso
equal "a still runs under the profile it had" "$a_label" "$(current "$a_pid")"

avc_mark
refused "as a: b's disk is refused" 'Permission denied' probe a $images/b.img
avc "and the kernel says so" "profile=\"svirt-$(uuid_of a)-" "name=\"$images/b.img\"" \
  'requested_mask="r"' 'operation="open"'
tap "# $(avc_new | grep -m1 "$images/b.img")"
avc_mark
refused "as a: the read-only disk is not written" 'Permission denied' scribble a $images/readonly.iso
avc "and the kernel says so" "name=\"$images/readonly.iso\"" 'denied_mask="wc?"'
refused "as a: the memory of b is refused" 'Permission denied' probe a "/proc/$b_pid/mem"
refused "as a: b is not killed" 'No such process' svirt run a -- /usr/bin/kill -9 "$b_pid"
refused "as b: a's disk is refused" 'Permission denied' probe b $images/a.img
for secret in /etc/shadow /var/lib/svirt/labels.db /proc/1/environ /dev/mem; do
  refused "as a: $secret is refused" 'Permission denied' probe a $secret
done
refused "as a: no other program is executed" 'Permission denied' \
  svirt run a -- /usr/bin/env /usr/bin/true

# The monitor: this kernel asks no security module who connects to a socket file.
connect='import socket,sys
s=socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
print(s.recv(10))'
python=$(readlink -f /usr/bin/python3)
monitor_of() { echo "/run/svirt/domains/$(uuid_of "$1")/monitor.sock"; }
ok "b's monitor is there" test -S "$(monitor_of b)"
refused "as a: b's monitor is out of reach" 'Permission denied' \
  svirt run a -- "$python" -c "$connect" "$(monitor_of b)"
ok "a still runs" test -d "/proc/$a_pid"
ok "b still runs" test -d "/proc/$b_pid"

for vm in a b; do
  ok "$vm is destroyed" svirt destroy $vm
done
equal "after destroy no profile is left" 0 "$(number_of_profiles)"

# With one user for both and no namespaces, AppArmor is asked about what is refused before otherwise.
printf '[confinement]\nbeside = none\nwithout = pid-namespace\n' >/etc/svirt/svirt.conf
for vm in a b; do
  ok "$vm starts as root" svirt start $vm
done
b_pid=$(pid_of b)
equal "which it is" '0 0 0 0' "$(ids "$b_pid" Uid)"
equal "without capabilities" 0000000000000000 "$(ids "$b_pid" CapEff)"
avc_mark
refused "as a: the memory of b is refused" 'Permission denied' probe a "/proc/$b_pid/mem"
avc "and the kernel says so" "profile=\"svirt-$(uuid_of a)-" "name=\"/proc/$b_pid/mem\""
tap "# $(avc_new | grep -m1 "/mem\"")"
avc_mark
refused "as a: b is not killed" 'not permitted|Permission denied' svirt run a -- /usr/bin/kill -9 "$b_pid"
avc "and the kernel says so" 'operation="signal"' "peer=\"svirt-$(uuid_of b)-"
for vm in a b; do
  ok "$vm is destroyed" svirt destroy $vm
done
rm /etc/svirt/svirt.conf

# --- The other kinds of seclabel ---

cat >/root/mine <<'PROFILE'
profile my-own {
  include <abstractions/svirt>
  /usr/bin/* rm,
  /srv/images/** rwk,
  /run/svirt/** rwk,
  /var/lib/svirt/log/* w,
}
PROFILE
make_domain static "<seclabel type='static' model='apparmor'><label>my-own</label></seclabel>"
refused "a static label whose profile is not loaded is refused at define" "my-own" \
  svirt define $images/static.xml
ok "the administrator's profile includes ours" apparmor_parser -r /root/mine
ok "then the domain is defined" svirt define $images/static.xml
ok "and starts" svirt start static
equal "under that profile" "my-own (enforce)" "$(current "$(pid_of static)")"
ok "and ends" svirt destroy static
contains "the profile is still there" '^my-own \(enforce\)' profiles my-own
make_domain bad "<seclabel type='static' model='apparmor'><label>unconfined</label></seclabel>"
refused "unconfined by name is refused" "type='none'" svirt define $images/bad.xml
make_domain bad "<seclabel type='dynamic' model='apparmor'><baselabel>x</baselabel></seclabel>"
refused "so is a base label" 'no base labels' svirt define $images/bad.xml
make_domain bad "<seclabel type='dynamic' model='selinux'/>"
refused "so is a model that is not active" 'selinux' svirt define $images/bad.xml

make_domain none "<seclabel type='none' model='apparmor'/>"
ok "a domain with none is defined" svirt define $images/none.xml
ok "and starts" svirt start none
equal "unconfined" unconfined "$(current "$(pid_of none)")"
contains "and says so" 'nconfined|none' svirt dominfo none
ok "and ends" svirt destroy none

# --- Names ---

number=0
for name in '[ * {' 'a"b' '@{x}' $'caf\xc3\xa9 \xf0\x9f\x92\xbe' '-rf' '^?,}'; do
  number=$((number + 1))
  make_domain "name$number" '' "${name//\"/&quot;}"
  ok "a domain named $name is defined" svirt define "$images/name$number.xml"
  ok "and starts" svirt start "$(uuid_of "name$number")"
  ok "and ends" svirt destroy "$(uuid_of "name$number")"
done
mkdir -p "$images/[a-z] *{x,y}\"@{z}"
make_domain odd
mv $images/odd.img "$images/[a-z] *{x,y}\"@{z}/odd^?.img"
sed -i "s|$images/odd.img|$images/[a-z] *{x,y}\&quot;@{z}/odd^?.img|" $images/odd.xml
ok "a disk with a path full of special characters is defined" svirt define $images/odd.xml
ok "and the domain starts" svirt start odd
contains "it reads that disk" '^the disk of o' probe odd "$images/[a-z] *{x,y}\"@{z}/odd^?.img"
mkdir -p "$images/b xx\"@{z}"
echo another >"$images/b xx\"@{z}/oddxx.img"
refused "and none that a pattern would match" 'Permission denied' probe odd "$images/b xx\"@{z}/oddxx.img"
ok "and it ends" svirt destroy odd

# --- Dangerous paths ---

forbidden_paths
make_domain bad
printf '[model apparmor]\nallow_paths = /etc/hosts\n' >/etc/svirt/svirt.conf
refused "they are not the model's to allow" 'write it under \[confinement\]' \
  svirt define $images/bad.xml
rm /etc/svirt/svirt.conf $images/bad.*

# --- The profile as text ---

contains "the profile can be read" "^  \"$images/b.img\" rwk,$" svirt plan b --profile
plan_as_json() { svirt plan "$1" --json || [ $? -eq 10 ]; } # 10: a start would change something
contains "also as JSON" '"policies": \[' plan_as_json b
install -d -o nobody /tmp/nobody
chmod 644 $images/*
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
profile_for_nobody() { as_nobody svirt --root /tmp/nobody plan "$images/b.xml" --profile || [ $? -eq 9 ]; }
lacks "whom AppArmor does not confine is not told its profile" 'profile "?svirt-' profile_for_nobody
svirt plan b --profile >/root/b.profile
ok "the parser understands it" apparmor_parser --skip-kernel-load --skip-cache /root/b.profile

# --- The administrator's rules ---

echo 'a secret of the host' >/srv/extra
echo 'a greater one' >/srv/extra-denied
rules=$local/$(uuid_of a).rules
cat >"$rules" <<'RULES'
/srv/extra* r,
deny /srv/extra-denied rw,
RULES
ok "a domain with rules of its own is defined" svirt define $images/a.xml
ok "what was compiled for it is kept" test -f "$cache/$(uuid_of a)"
for round in 1 2 3; do
  ok "it starts, time $round" svirt start a
  contains "with what its rules allow" '^a secret of t' probe a /srv/extra
  refused "without what they deny" 'Permission denied' probe a /srv/extra-denied
  ok "with its own disk" probe a $images/a.img
  ok "and ends" svirt destroy a
done
refused "b does not profit" 'Permission denied' probe b /srv/extra
printf 'this is no rule\n' >"$rules"
refused "rules that are none are refused at define, with the parser's words" 'syntax error' \
  svirt define $images/a.xml
echo more >/srv/extra-more
echo '/srv/extra r,' >"$rules"
chmod 666 "$rules"
refused "rules that anybody can write are refused" '0644' svirt define $images/a.xml
chmod 644 "$rules"
ok "a changed rule is compiled anew" svirt define $images/a.xml
ok "and it starts" svirt start a
refused "without what the old ones allowed" 'Permission denied' probe a /srv/extra-more
ok "and it ends" svirt destroy a

# A stale and a damaged cache.
# shellcheck disable=SC2016 # sed's own $
for damage in 's/cache 1/cache 9/' 's/^[0-9a-f]{64}$/0/' '$s/svirt/tsvir/'; do
  sed -E -i "$damage" "$cache/$(uuid_of a)"
  ok "with a cache damaged by $damage it starts" svirt start a
  contains "with its rules" '^a secret of t' probe a /srv/extra
  ok "and ends" svirt destroy a
done

# Without the parser.
parser=$(command -v apparmor_parser)
mv "$parser" "$parser.gone"
contains "without the parser the plugin is still active" '^selected +apparmor' svirt plugins
contains "and says what is missing" 'apparmor_parser is not installed' svirt plugins
ok "a domain without rules of its own starts" svirt start b
contains "confined" "^svirt-$(uuid_of b)-.*enforce" current "$(pid_of b)"
ok "and ends" svirt destroy b
ok "one whose rules are compiled starts" svirt start a
ok "and ends" svirt destroy a
echo '/srv/extra rw,' >"$rules"
refused "one whose rules are not, is refused" 'install the package apparmor' svirt start a
mv "$parser.gone" "$parser"
rm "$rules"

# Complain mode.
date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ >"$local/$(uuid_of a).complain"
ok "a domain in complain mode starts" svirt start a
contains "the kernel knows it" '\(complain\)$' current "$(pid_of a)"
contains "dominfo shows it" '\(permissive\)$' svirt dominfo a
ok "nothing is denied" probe a $images/b.img
echo 2020-01-01T00:00:00Z >"$local/$(uuid_of a).complain"
ok "after the time there is a recover" svirt recover
contains "after which it is enforced" '\(enforce\)$' current "$(pid_of a)"
contains "dominfo shows it" '\(enforcing\)$' svirt dominfo a
ok "it ends" svirt destroy a
ok "it starts" svirt start a
contains "enforced" '\(enforce\)$' current "$(pid_of a)"
ok "it ends" svirt destroy a
echo tomorrow >"$local/$(uuid_of a).complain"
refused "a time that is none is refused" '2027-01-31T12:00:00Z' svirt start a
rm "$local/$(uuid_of a).complain"

# --- A profile that is removed under a running domain ---

ok "a starts" svirt start a
echo -n "$(current "$(pid_of a)" | sed 's/ (.*//')" >/sys/kernel/security/apparmor/.remove
contains "the kernel does not confine it any more" unconfined current "$(pid_of a)"
gone="was started under svirt-$(uuid_of a)-.* and runs under unconfined now"
refused "list says so" "$gone" svirt list
truncate -s 1M $images/more.img
cat >/tmp/more.xml <<XML
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$images/more.img'/>
  <target dev='vdz' bus='virtio'/></disk>
XML
refused "attach-device refuses" "$gone" svirt attach-device a /tmp/more.xml
refused "dominfo says so" "$gone" svirt dominfo a
refused "verify says so" "^process label: .*$gone" svirt verify a
refused "recover says so, and what it has done" "$gone.*policy is loaded again.*not for this process" svirt recover
equal "and has loaded its profile again" 1 "$(number_of_profiles "svirt-$(uuid_of a)")"
contains "metrics count it" '^svirt_domains_lost 1$' svirt metrics
ok "it ends" svirt destroy a
ok "it starts" svirt start a
ok "list misses nothing" svirt list
ok "it ends" svirt destroy a
equal "no profile is left" 0 "$(number_of_profiles "svirt-$(uuid_of a)")"

# --- A profile that is replaced by one in complain mode ---

permissive='model apparmor enforced its policy on process [0-9]+ of domain a .* is permissive for it now'
complain() { apparmor_parser -r -C <<<"profile $1 { }"; }
ok "a starts" svirt start a
svirt run a -- /usr/bin/sleep 20 &
beside=$!
in_a() { [ "$(grep -cs "svirt-$(uuid_of a)" /proc/[0-9]*/attr/apparmor/current | grep -c ':1$')" -ge 2 ]; }
ok "a program runs in a, under a profile of its own" wait_for 20 in_a
ok "list misses nothing" svirt list
ok "nor does verify" svirt verify a
wait "$beside"
label=$(current "$(pid_of a)" | sed 's/ (.*//')
ok "its profile is replaced by one in complain mode" complain "$label"
contains "which the kernel has" '\(complain\)$' current "$(pid_of a)"
refused "list says so" "$permissive" svirt list
refused "dominfo says so" "$permissive" svirt dominfo a
refused "attach-device refuses" "$permissive" svirt attach-device a /tmp/more.xml
refused "verify says so" "^not enforced: $permissive" svirt verify a
contains "metrics count it" '^svirt_domains_lost 1$' svirt metrics
contains "recover loads its profile again, and says so" \
  "$permissive.*policy is loaded again, and it is confined as it was" svirt recover
contains "which it is" '\(enforce\)$' current "$(pid_of a)"
ok "list misses nothing" svirt list
ok "nor does verify" svirt verify a
ok "it ends" svirt destroy a

# --- Removal ---

ok "a starts" svirt start a
a_pid=$(pid_of a)
kill -9 "$a_pid"
ok "a dies" wait_for 10 test ! -d "/proc/$a_pid"
equal "its profile is still loaded" 1 "$(number_of_profiles "svirt-$(uuid_of a)")"
apparmor_parser -r <<<'profile svirt-looks-like-ours { /x r, }'
ok "recover" svirt recover
equal "removes it" 0 "$(number_of_profiles "svirt-$(uuid_of a)")"
contains "and no other" '^svirt-looks-like-ours' profiles
contains "my-own is still there" '^my-own' profiles my-own
echo -n svirt-looks-like-ours >/sys/kernel/security/apparmor/.remove

# --- A system that cannot be written, but for what svirt has to write ---

sed -i "s/ cache='none'//" $images/b.xml # which a tmpfs cannot do
ok "b is defined again" svirt define $images/b.xml
mount -t tmpfs none /mnt
for written in /var/lib/svirt $images; do
  mkdir -p "/mnt$written"
  cp -a "$written"/. "/mnt$written/"
  mount --bind "/mnt$written" "$written"
done
mount -o remount,ro /
ok "the system cannot be written" sh -c '! touch /etc/x 2>/dev/null'
ok "b starts" svirt start b
contains "confined" "^svirt-$(uuid_of b)-.*enforce" current "$(pid_of b)"
ok "and ends" svirt destroy b
equal "no profile is left" 0 "$(number_of_profiles)"
mount -o remount,rw /

# --- The plugin against the rules of the ABI ---

plugin=$(find /usr/lib -name svirt-apparmor.so)
# This processor is emulated, and other tests may run on the real one.
validate() { svirt-validate --timeout 60000 "$plugin"; }
ok "the plugin keeps the rules of the ABI" validate
validator_skips() { validate | grep '# SKIP' | grep -vc 'has no entries on objects'; }
equal "none of which does not apply" 0 "$(validator_skips)"
contains "without privilege it is inactive and says why" 'CAP_MAC_ADMIN|may not see' \
  as_nobody svirt --root /tmp/nobody plugins
finish
