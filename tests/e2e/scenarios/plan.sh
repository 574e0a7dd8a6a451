#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a plan says is what a start does, in the same words; what stands against a start is told all
# at once, by define, plan and start alike; and a domain of which anything lives is not started anew.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"
# shellcheck source=tests/kernel/guest/varied_domains.sh
. "$SVIRT_TEST/varied_domains.sh"

running_labels() { svirt dominfo "$1" | sed -n 's/^Security label: *\(.*\) (enforcing)$/\1/p'; }
# exits STATUS CMD...
exits() {
  local want=$1
  shift
  "$@" >/dev/null 2>&1
  [ $? -eq "$want" ]
}
plan_id() { svirt plan "$1" | sed -n 's/^Plan //p'; }

models="landlock"
[ "$(id -u)" -ne 0 ] || models="landlock dac landlock,dac"
for model in $models; do
  configure '[confinement]' "models = ${model/,/, }"
  compare_varied "$DIR/images"
done
configure

# The policy as text, of the models that the domain gets and no others.
make_domain a
contains "the rules are told" "images/a.img  read,write" svirt plan --profile "$DIR/a.xml"
lacks "those of a model that is not chosen are not" "profile svirt" svirt plan --profile "$DIR/a.xml"

# A start keeps to its plan or does nothing.
make_domain a
ok "a is defined" svirt define "$DIR/a.xml"
id=$(plan_id a)
truncate -s 1M "$DIR/images/more.img"
sed "s|</disk>|</disk><disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$DIR/images/more.img'/><target dev='vdb' bus='virtio'/></disk>|" "$DIR/a.xml" >"$DIR/a2.xml"
ok "a is defined with one more disk" svirt define "$DIR/a2.xml"
ok "a start by the plan of before" exits 6 svirt start a --plan "$id"
refused "it names the part that differs" "its resources" svirt start a --plan "$id"
ok "a plan id that is none" exits 3 svirt start a --plan 1-2-3
ok "or an empty one" exits 3 svirt start a --plan ''
equal "a does not run" "shut off" "$(svirt domstate a)"

# Labels of a plan that are held are given to no other domain, and are those of the start.
ok "a is defined" svirt define "$DIR/a.xml"
svirt plan a --hold >"$DIR/held"
ok "a plan that is held ends as it does otherwise" grep -qxE '0|10' <<<"$?"
held=$(sed -n 's/^  process label *//p' "$DIR/held")
make_domain b
ok "b is defined" svirt define "$DIR/b.xml"
ok "b starts meanwhile" svirt start b
lacks "under labels of its own" "$held" svirt dominfo b
ok "recover does not give the held ones back" svirt recover
ok "a starts by its plan" svirt start a --plan "$(sed -n 's/^Plan //p' "$DIR/held")"
equal "under the labels that were held" "$held" "$(running_labels a)"
refused "one that runs holds them already" "has its labels" svirt plan a --hold
ok "a is destroyed" svirt destroy a
ok "and b" svirt destroy b
equal "nobody holds labels" "" "$(svirt labels)"
svirt plan a --hold >/dev/null
contains "labels that are held are shown" pinned svirt labels
ok "restore gives them back" svirt restore a
equal "nobody holds labels" "" "$(svirt labels)"
ok "a is labelled for another VM manager" svirt label a
refused "what may run under its labels is not held anew" "has its labels" svirt plan a --hold
ok "they go back" svirt restore a
equal "nobody holds labels" "" "$(svirt labels)"

# All that stands against a start, at once.
sed -e "s|$DIR/images/a.img|$DIR/images/missing.img|; s|$DIR/images/more.img|$DIR/images/gone.img|" \
  -e 's|<name>a</name>|<name>bad</name>|' "$DIR/a2.xml" >"$DIR/bad.xml"
svirt plan "$DIR/bad.xml" >"$DIR/out"
equal "a plan of what cannot start ends with" 20 $?
ok "and holds nothing" exits 20 svirt plan "$DIR/bad.xml" --hold
equal "nobody holds labels" "" "$(svirt labels)"
contains "it names the first missing image" "missing.img" cat "$DIR/out"
contains "and the second one" "gone.img" cat "$DIR/out"
contains "define keeps it, and says what is missing now" "missing.img" svirt define "$DIR/bad.xml"
contains "both" "gone.img" svirt define "$DIR/bad.xml"
ok "it does not start" exits 4 svirt start bad
refused "and start names both" "gone.img" svirt start bad
sed -e "s|<devices>|<devices><sound model='cs4231'/><hub type='usb'/>|; s|vnc|spice|" \
  -e "s|<rng|<tpm|; s|bus='virtio'|bus='nvme'|" -e 's|<name>a</name>|<name>odd</name>|' \
  "$DIR/a.xml" >"$DIR/odd.xml"
for command in define plan; do
  svirt $command "$DIR/odd.xml" >"$DIR/out" 2>&1
  for word in sound hub nvme; do
    contains "$command names <$word>" "$word" cat "$DIR/out"
  done
  lines=$(grep -o 'odd.xml:[0-9]*:' "$DIR/out" | cut -d: -f2)
  ok "$command names their lines" test "$(wc -l <<<"$lines")" -ge 3
  equal "in the order of the document" "$(sort -n <<<"$lines")" "$lines"
done

# What a model would refuse when the objects have their labels, a plan says before.
# foreseen WHAT SENTENCE [OF_START]: d.xml cannot start, by its plan and by the start, and nothing is
# touched.
foreseen() {
  local before
  before=$(stat -c %u:%g:%a "$DIR/images/d.img")
  svirt plan "$DIR/d.xml" >"$DIR/out"
  equal "$1: the plan ends with" 20 $?
  contains "it says why" "$2" cat "$DIR/out"
  ok "$1: it is defined" svirt define "$DIR/d.xml"
  refused "it does not start" "${3-$2}" svirt start d
  equal "its disk is as it was" "$before" "$(stat -c %u:%g:%a "$DIR/images/d.img")"
}
if [ "$(id -u)" -eq 0 ]; then
  configure '[confinement]' 'models = landlock, dac'
  # with ELEMENT: d.xml anew, with the element before the end of its devices.
  with() {
    make_domain d
    sed "s|</devices>|$1</devices>|" "$DIR/d.xml" >"$DIR/d.new"
    mv "$DIR/d.new" "$DIR/d.xml"
  }
  stays="<seclabel model='dac' relabel='no'/>"
  make_domain d
  sed -i "s|<source file='$DIR/images/d.img'/>|<source file='$DIR/images/d.img'>$stays</source>|" "$DIR/d.xml"
  chown 0:0 "$DIR/images/d.img"
  chmod 0600 "$DIR/images/d.img"
  foreseen "a disk that keeps its owner" "may not read and write $DIR/images/d.img"
  make_domain d
  chmod 0400 "$DIR/images/d.img"
  foreseen "a disk that its owner may not write" "may not read and write $DIR/images/d.img"
  chmod 04755 "$DIR/images/d.img"
  foreseen "a set-user-ID disk" 'would lose its set-user-ID bit'
  chmod 0600 "$DIR/images/d.img"
  mkdir -m 0755 "$DIR/roots"
  with "<serial type='unix'><source mode='bind' path='$DIR/roots/x.sock'/></serial>"
  foreseen "a socket in root's directory" "may not make a socket in $DIR/roots"
  with "<serial type='file'><source path='$DIR/images/new.log'>$stays</source></serial>"
  foreseen "a log that is made as root's" "$DIR/images/new.log does not exist" "may not read and write $DIR/images/new.log"
  ok "the log was not made" test ! -e "$DIR/images/new.log"
  make_domain d
  if chattr +i "$DIR/images/d.img" 2>/dev/null; then
    foreseen "an immutable disk" 'is immutable or append-only'
    chattr -i "$DIR/images/d.img"
  else
    echo "# an immutable disk is skipped: it needs a file system with chattr +i"
  fi
  with "<serial type='file'><source path='$DIR/nowhere/new.log'/></serial>"
  foreseen "a log in a directory that is not there" "cannot be created in $DIR/nowhere"
  make_domain d
  touch "$DIR/images/d.console"
  mount --bind "$DIR/images" "$DIR/images"
  mount -o remount,bind,ro "$DIR/images"
  foreseen "a disk on a read-only mount" 'mounted read-only'
  rm_console() { umount "$DIR/images" && rm "$DIR/images/d.console"; }
  ok "the mount goes" rm_console
  mount --bind "$DIR/images" "$DIR/images"
  mount -o remount,bind,ro "$DIR/images"
  foreseen "a log on it" "d.console) cannot be created"
  umount "$DIR/images"
  configure
fi

# A domain of which anything lives is not started anew, and destroy ends all of it.
ok "a starts" svirt start a
qemu=$(pid_of a)
"$SVIRT" --root "$ROOT" run a -- /usr/bin/sleep 120 &
runner=$!
ok "a program runs beside it" wait_for 10 program_of "$runner" sleep
child=$(program_of "$runner" sleep)
rm -rf "$ROOT/run/domains"
ok "without its status a is not started a second time" exits 6 svirt start a
ok "nor is it undefined" exits 6 svirt undefine a
ok "destroy ends what the registry knows" svirt destroy a
ok "its emulator is gone" wait_for 10 ended "$qemu"
ok "the program, too" wait_for 10 ended "$child"
wait "$runner"
ok "a starts again" svirt start a
ok "and is destroyed" svirt destroy a
equal "nobody holds labels" "" "$(svirt labels)"

# What was labelled from XML that is lost can be given back.
for name in lost gone left; do make_domain "$name"; done
svirt label - <"$DIR/lost.xml" >/dev/null
svirt label "$DIR/gone.xml" >/dev/null
svirt label "$DIR/left.xml" >/dev/null
before=$(svirt labels --json | grep -c '"pinned": true')
equal "three domains are labelled" 3 "$before"
uuid=$(svirt labels | sed -n 's/^gone (\(.*\))$/\1/p')
rm "$DIR"/{lost,gone,left}.xml
ok "labels are given back by name" svirt restore lost
ok "by uuid" svirt restore "$uuid"
ok "and for all that are left" svirt restore --all
equal "nobody holds labels" "" "$(svirt labels)"
refused "a domain that was not labelled" "neither a file nor a domain" svirt restore lost
finish
