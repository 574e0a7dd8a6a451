#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Users and groups of their own as a second layer: models = landlock, dac. Somebody who may not give
# files away is told so.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

configure '[confinement]' 'models = landlock, dac'
if [ "$(id -u)" -ne 0 ]; then
  make_domain a
  contains "dac is not active for $(id -un)" 'lacks CAP_CHOWN, CAP_SETUID, CAP_SETGID' svirt plugins
  refused "and what names it does not start without it" 'dac' svirt define "$DIR/a.xml"
  finish
fi

owner() { stat -c '%u:%g' "$1"; }
mode() { stat -c '%a' "$1"; }
ids_of() { sed -n 's/^'"$2"':\t//p' "/proc/$(pid_of "$1")/status"; }
dac_of() { svirt dominfo "$1" | sed -n 's/^Security label: *\(+[^ ]*\).*/\1/p'; }

make_domain a
make_domain b
chown 1234:1235 "$DIR/images/a.img"
chmod 0600 "$DIR/images/"*.img
for vm in a b; do
  ok "$vm is defined" svirt define "$DIR/$vm.xml"
done
plan() { svirt plan "$1" || [ $? -eq 10 ]; }  # 10: a start would change something
contains "the plan names both owners" '\+1234:\+1235 -> \+2100[0-9]{6}:\+2100' plan a
equal "and changes nothing" 1234:1235 "$(owner "$DIR/images/a.img")"
for vm in a b; do
  ok "$vm starts" svirt start "$vm"
done
for vm in a b; do
  ok "$vm boots to its console line" wait_for 90 booted "$vm"
done
contains "dominfo shows the first model" '^Security model: +landlock' svirt dominfo a
contains "and the second" '^Security model: +dac' svirt dominfo a
differ "the labels differ" "$(dac_of a)" "$(dac_of b)"
for vm in a b; do
  id=$(stat -c %u "/proc/$(pid_of "$vm")")
  equal "$vm's label is that of its process" "+$id:+$id" "$(dac_of "$vm")"
  for kind in Uid Gid; do
    equal "all four ${kind}s of $vm are the same" "$id $id $id $id" \
      "$(ids_of $vm $kind | tr '\t' ' ')"
  done
  equal "$vm has no other groups" "" "$(ids_of $vm Groups | tr -d ' ')"
  equal "$vm has no capabilities" 0000000000000000 "$(ids_of $vm CapEff)"
  equal "ps shows it" "$id" "$(ps -o uid= -p "$(pid_of "$vm")" | tr -d ' ')"
  for file in "$vm.img" "$vm.console"; do
    equal "$file is its user's" "$id:$id" "$(owner "$DIR/images/$file")"
  done
done
a=$(stat -c %u "/proc/$(pid_of a)")
b=$(stat -c %u "/proc/$(pid_of b)")
as() { setpriv --reuid "$1" --regid "$1" --clear-groups -- "${@:2}"; }
contains "as a's user: a's disk is read" '^the disk of a' as "$a" head -c 13 "$DIR/images/a.img"
refused "as b's user: a's disk is refused" 'Permission denied' \
  as "$b" head -c 13 "$DIR/images/a.img"
refused "as b's user: a's process is not ended" 'not permitted' as "$b" bash -c "kill $(pid_of a)"
contains "confined as a: the same user" "^$a\$" svirt run a -- /usr/bin/id -u
contains "confined as a: its own disk is read" '^the disk of a' \
  svirt run a -- /usr/bin/head -c 13 "$DIR/images/a.img"
refused "confined as a: b's disk is refused" 'Permission denied' \
  svirt run a -- /usr/bin/head -c 13 "$DIR/images/b.img"

ok "a is destroyed" svirt destroy a
equal "its disk goes back to whom it was" 1234:1235 "$(owner "$DIR/images/a.img")"
equal "with the mode it had" 600 "$(mode "$DIR/images/a.img")"
equal "its console, which was made for it, is root's" 0:0 "$(owner "$DIR/images/a.console")"

ok "a starts again" svirt start a
# Nothing of svirt runs between the end of both and recover: every command would put things in
# order.
pids=("$(pid_of a)" "$(pid_of b)")
a=$(stat -c %u "/proc/${pids[0]}")
kill -KILL "${pids[@]}"
gone() { ended "${pids[0]}" && ended "${pids[1]}"; }
ok "both are killed" wait_for 20 gone
equal "a's disk is left as it was" "$a:$a" "$(owner "$DIR/images/a.img")"
ok "recover puts it in order" svirt recover
equal "a's disk is back" 1234:1235 "$(owner "$DIR/images/a.img")"
equal "b's disk is back" 0:0 "$(owner "$DIR/images/b.img")"
equal "nobody holds a label" "" "$(svirt labels)"
equal "no run directory is left" "" "$(find "$ROOT/run/domains" -mindepth 1)"

# Who looks at a domain that ends meanwhile, or is undefined: each is held up at the file it is about
# to open.
held_up_at() { # SECONDS PATH COMMAND...
  strace -f -qq -o /dev/null -P "$2" -e trace=openat,openat2 \
    -e "inject=openat,openat2:delay_enter=${1}000000" "$SVIRT" --root "$ROOT" "${@:3}"
}
ok "a starts again" svirt start a
pid=$(pid_of a)
held_up_at 9 "/proc/$pid/status" dominfo a >"$DIR/seen" 2>&1 &
watcher=$!
sleep 1
kill -KILL "$pid"
reaped() { [ ! -e "/proc/$pid" ]; }
if wait_for 5 reaped; then
  wait "$watcher"
  equal "dominfo of a domain that ends before its label is read succeeds" 0 "$?"
  contains "it shows the domain shut off" '^State: +shut off' cat "$DIR/seen"
  lacks "and no label" '^Security label:' cat "$DIR/seen"
else
  wait "$watcher"
  echo "# dominfo of a domain that ends is skipped: it needs an init that waits for its children soon"
fi
ok "a starts again" svirt start a
pid=$(pid_of a)
kill -KILL "$pid"
held_up_at 8 "/proc/$pid/stat" list --all >"$DIR/seen" 2>&1 &
watcher=$!
sleep 1
ok "a is undefined" svirt undefine a
wait "$watcher"
equal "a list during which a domain is undefined succeeds" 0 "$?"
contains "it shows the others" ' b +shut off' cat "$DIR/seen"
lacks "and not that one" ' a ' cat "$DIR/seen"
ok "a is defined again" svirt define "$DIR/a.xml"

# Labels by name and number, for both models.
make_domain c "<seclabel type='dynamic' model='landlock'/>
  <seclabel type='static' model='dac' relabel='yes'><label>4242:4243</label></seclabel>"
chmod 0600 "$DIR/images/c.img"
ok "two <seclabel>s are defined" svirt define "$DIR/c.xml"
ok "a domain with a user that was chosen starts" svirt start c
equal "it is that user" "4242 4242 4242 4242" "$(ids_of c Uid | tr '\t' ' ')"
equal "and that group" "4243 4243 4243 4243" "$(ids_of c Gid | tr '\t' ' ')"
contains "dumpxml shows the label as the kernel has it" '<label>\+4242:\+4243</label>' \
  svirt dumpxml c
contains "a second program joins it" '^4242$' svirt run c -- /usr/bin/id -u
contains "and a third one, by the file" '^4242$' svirt run "$DIR/c.xml" -- /usr/bin/id -u
make_domain d "<seclabel type='static' model='dac' relabel='yes'><label>+4242:+9</label></seclabel>"
ok "another domain with the same user is defined" svirt define "$DIR/d.xml"
refused "and does not run at the same time" 'shares a part with the label of' svirt start d
ok "c is destroyed" svirt destroy c
equal "c's disk is back" 0:0 "$(owner "$DIR/images/c.img")"
sed -i 's,<name>c,<name>f,; /<uuid>/d' "$DIR/c.xml"
svirt run "$DIR/c.xml" -- /usr/bin/sleep 5 &
first=$!
ok "a program runs as a domain that is not defined" \
  wait_for 4 bash -c "'$SVIRT' --root '$ROOT' labels | grep -q 4242"
contains "another one joins it" '^4242$' svirt run "$DIR/c.xml" -- /usr/bin/id -u
wait "$first"
# relabel='no' is about what the XML names: without its log and run directory no emulator runs.
make_domain o "<seclabel type='none' model='landlock'/>
  <seclabel type='static' model='dac' relabel='no'><label>4244:4244</label></seclabel>"
touch "$DIR/images/o.console"
chown 4244:4244 "$DIR/images/o.img" "$DIR/images/o.console"
chmod 0600 "$DIR/images/o.img" "$DIR/images/o.console"
ok "a domain that leaves its objects as they are is defined" svirt define "$DIR/o.xml"
ok "it starts" svirt start o
equal "it is the user that was chosen" "4244 4244 4244 4244" "$(ids_of o Uid | tr '\t' ' ')"
equal "its run directory is its own" 4244:4244 "$(owner "$(readlink "/proc/$(pid_of o)/cwd")")"
ok "it boots" wait_for 90 booted o
ok "and is destroyed" svirt destroy o
equal "its disk is as it was" 4244:4244 "$(owner "$DIR/images/o.img")"
equal "and so is its log" 0:0 "$(owner "$ROOT/state/log"/*"$(svirt dominfo o | sed -n 's/^UUID: *//p').log")"
make_domain e "<seclabel type='static' model='dac'><label>root:root</label></seclabel>"
refused "root is nobody's label" 'may not run as root' svirt define "$DIR/e.xml"

# What would fail is told before it does.
chmod 0700 "$DIR/images"
refused "a directory that cannot be passed is named" \
  "may not pass the directory $DIR/images \(mode 0700" svirt start a
equal "and the disk is back" 1234:1235 "$(owner "$DIR/images/a.img")"
chmod 0711 "$DIR/images"
chmod 04755 "$DIR/images/a.img"
refused "a set-user-ID file is not given away" 'would lose its set-user-ID bit' svirt start a
equal "and keeps its mode" 4755 "$(mode "$DIR/images/a.img")"
chmod 0644 "$DIR/images/a.img"
contains "a disk for everybody to read is warned of" 'lets everybody in' \
  bash -c "'$SVIRT' --root '$ROOT' start a 2>&1"
ok "a is destroyed" svirt destroy a

configure '[confinement]' 'models = dac' '[model dac]' 'first_id = 300000' 'count = 1'
ok "dac alone, with ids of one's choice" svirt start a
equal "a has the first of them" 300000 "$(stat -c %u "/proc/$(pid_of a)")"
refused "and there is no second one" 'all 1 labels' svirt start b
make_disk extra vdb
chmod 0600 "$DIR/images/extra.img"
ok "a disk is attached" svirt attach-device a "$DIR/extra-disk.xml"
equal "it is a's" 300000:300000 "$(owner "$DIR/images/extra.img")"
ok "a is destroyed" svirt destroy a
equal "the attached disk is back" 0:0 "$(owner "$DIR/images/extra.img")"
configure '[confinement]' 'models = dac' '[model dac]' 'first_id = root'
refused "ids that are none are told" 'first_id in \[model dac\]' svirt start a

# What several domains use keeps its owner, and has an entry for each of them while they run.
configure '[confinement]' 'models = landlock, dac'
shared() { # NAME: a domain that reads a base image, a disk and a kernel, and writes a shared disk
  make_domain "$1"
  ok "$1's overlay is made" qemu-img create -q -f qcow2 -b "$DIR/images/base.img" -F raw \
    "$DIR/images/$1.qcow2"
  chmod 0600 "$DIR/images/$1.img" "$DIR/images/$1.qcow2"
  local disks
  disks=$(
    disk "$1.qcow2" qcow2 vdb "<backingStore type='file'><format type='raw'/><source
      file='$DIR/images/base.img'/><backingStore/></backingStore>"
    disk read.img raw vdc '<readonly/>'
    disk shared.img raw vdd '<shareable/>'
  )
  sed -i "s,<kernel>.*</kernel>,<kernel>$DIR/images/vmlinuz</kernel>," "$DIR/$1.xml"
  awk -v disks="$disks" '/<serial/ { print disks } { print }' "$DIR/$1.xml" >"$DIR/$1.new"
  mv "$DIR/$1.new" "$DIR/$1.xml"
  ok "$1 is defined" svirt define "$DIR/$1.xml"
}
disk() { # FILE FORMAT TARGET [ELEMENT]
  printf "<disk type='file' device='disk'><driver name='qemu' type='%s'/>" "$2"
  printf "<source file='%s'/><target dev='%s' bus='virtio'/>%s</disk>\n" "$DIR/images/$1" "$3" "${4-}"
}
common=("$DIR/images/base.img" "$DIR/images/read.img" "$DIR/images/shared.img"
  "$DIR/images/vmlinuz")
state() {
  stat -c '%n %u:%g %a' "${common[@]}"
  getfattr --absolute-names -e hex -n system.posix_acl_access "${common[@]}" 2>/dev/null
}
entries() { getfacl --numeric --absolute-names --omit-header "$1" | grep '^user:2' | sort | xargs; }
for image in base read shared; do
  truncate -s 1M "$DIR/images/$image.img"
done
echo 'what both read' | dd of="$DIR/images/base.img" conv=notrunc status=none
cp "$GUEST/vmlinuz" "$DIR/images/vmlinuz"
chmod 0600 "${common[@]}"
chown 1234:1235 "$DIR/images/shared.img"
ok "somebody else has an entry already" setfacl -m u:4321:r "$DIR/images/read.img"
before=$(state)
shared g
shared h
contains "the plan names the entry" 'no entry -> \+2100[0-9]{6}:rw-$' plan g
equal "and changes nothing" "$before" "$(state)"
started() {
  for vm in g h; do
    ok "$vm starts on what both use" svirt start "$vm"
  done
  g=$(stat -c %u "/proc/$(pid_of g)")
  h=$(stat -c %u "/proc/$(pid_of h)")
}
started
for vm in g h; do
  ok "$vm boots" wait_for 90 booted "$vm"
done
for image in base.img read.img vmlinuz; do
  equal "both read $image" "user:$g:r-- user:$h:r--" "$(entries "$DIR/images/$image")"
done
equal "both write shared.img" "user:$g:rw- user:$h:rw-" "$(entries "$DIR/images/shared.img")"
equal "which keeps its owner" 1234:1235 "$(owner "$DIR/images/shared.img")"
contains "as g's user: the base image is read" '^what both read' \
  as "$g" head -c 14 "$DIR/images/base.img"
writes() { as "$1" dd if=/dev/zero of="$DIR/images/$2" bs=1 count=1 conv=notrunc; }
refused "and not written" 'Permission denied' writes "$g" base.img
ok "the shared disk is written" writes "$g" shared.img
refused "as another user: the base image is refused" 'Permission denied' \
  as 2100009999 head -c 14 "$DIR/images/base.img"
ok "g is destroyed" svirt destroy g
equal "h keeps its entry" "user:$h:r--" "$(entries "$DIR/images/base.img")"
equal "on each of them" "user:$h:rw-" "$(entries "$DIR/images/shared.img")"
ok "h is destroyed" svirt destroy h
equal "owners, modes and ACLs are those of before" "$before" "$(state)"
started
pids=("$(pid_of g)" "$(pid_of h)")
kill -KILL "${pids[@]}"
ok "both are killed" wait_for 20 gone
equal "their entries are left as they were" "user:$g:r-- user:$h:r--" \
  "$(entries "$DIR/images/base.img")"
ok "recover takes them away" svirt recover
equal "owners, modes and ACLs are those of before once more" "$before" "$(state)"
ok "a mask withholds what is needed" setfacl -m u:4321:rw,m::r "$DIR/images/shared.img"
refused "and is not widened for others" "'setfacl -m m::rw-'" svirt start g
equal "nobody has an entry then" "" "$(for file in "${common[@]}"; do entries "$file"; done)"
setfacl -b "$DIR/images/shared.img"
mkdir -p "$DIR/images/outer/inner"
mv "$DIR/images/read.img" "$DIR/images/outer/inner/"
sed -i "s,images/read.img,images/outer/inner/read.img," "$DIR/g.xml"
chmod 0700 "$DIR/images/outer" "$DIR/images/outer/inner"
ok "g's disk moves" svirt define "$DIR/g.xml"
refused "both directories that cannot be passed are named, with the way out" \
  "'chmod o\+x $DIR/images/outer $DIR/images/outer/inner'" svirt start g
chmod o+x "$DIR/images/outer" "$DIR/images/outer/inner"
ok "which is one" svirt start g
ok "g is destroyed" svirt destroy g
if [ -c /dev/kvm ]; then
  make_domain k
  sed -i "s,<domain type='qemu'>,<domain type='kvm'>," "$DIR/k.xml"
  ok "a domain of type kvm is defined" svirt define "$DIR/k.xml"
  case $(stat -c %a /dev/kvm) in
    *6 | *7) lacks "/dev/kvm, open to all, needs no entry" '\+2100[0-9]{6}:rw-' plan k ;;
    *) contains "/dev/kvm gets an entry" '\+2100[0-9]{6}:rw-$' plan k ;;
  esac
else
  echo "# an entry on /dev/kvm is skipped: there is none"
fi

# An image that comes from a host which has not given it back.
configure '[confinement]' 'models = dac' 'export_labels = yes'
if [ ! -e /etc/machine-id ]; then
  echo "# marks for other hosts are skipped: they need /etc/machine-id"
  refused "without a machine id there are no marks" 'no name for its marks.*machine-id-setup' \
    svirt label "$DIR/a.xml"
  equal "and a's disk is left alone" 1234:1235 "$(owner "$DIR/images/a.img")"
  finish
fi
marks() { getfattr --absolute-names -e text -d -m '^trusted\.svirt\.' "$DIR/images/a.img"; }
equal "nothing is written onto a's disk so far" "" "$(marks)"
ok "it is labelled" svirt label "$DIR/a.xml"
differ "for a" 1234:1235 "$(owner "$DIR/images/a.img")"
contains "its old owner is written onto it" 'trusted\.svirt\.dac\..*\+1234:\+1235' marks
rm -r "$ROOT/state"  # all that this host knows
ok "where nobody knows of it it is labelled anew" svirt label "$DIR/a.xml"
ok "and given back" svirt restore "$DIR/a.xml"
equal "to whom it was before all that" 1234:1235 "$(owner "$DIR/images/a.img")"
equal "with nothing left on it" "" "$(marks)"

ok "it is labelled once more" svirt label "$DIR/a.xml"
cp "$DIR/images/b.img" "$DIR/images/new.img"
chown 77:77 "$DIR/images/new.img"
mv "$DIR/images/new.img" "$DIR/images/a.img"
contains "and replaced meanwhile, which is told" 'warning: .*a.img is another object than the one' \
  bash -c "'$SVIRT' --root '$ROOT' restore '$DIR/a.xml' 2>&1"
equal "the new one is left alone" 77:77 "$(owner "$DIR/images/a.img")"
finish
