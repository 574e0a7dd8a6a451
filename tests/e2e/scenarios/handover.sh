#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A domain goes from one host to another over the same storage: two roots on this machine.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

mkdir "$DIR/there"
cp "$ROOT/svirt.conf" "$DIR/there/"
there() { "$SVIRT" --root "$DIR/there" "$@"; }
# begun: what begin-out prints, in FILE.
begin_out() { svirt handover begin-out a >a.handover; }

make_domain a
ok "a is defined here" svirt define "$DIR/a.xml"
uuid=$(svirt dominfo a | sed -n 's/^UUID: *//p')
sed "s|</name>|</name><uuid>$uuid</uuid>|" "$DIR/a.xml" >there.xml
refused "what does not run cannot go" 'has labels on this host' svirt handover begin-out a
ok "a starts" svirt start a
refused "nothing to commit yet" 'is not being handed over' svirt handover commit a
ok "begin-out" begin_out
contains "names the domain" "\"uuid\": \"$uuid\"" cat a.handover
contains "and its label" '"doi": "' cat a.handover
contains "labels says that it goes" 'held by +outgoing,[0-9]+$' svirt labels
ok "begin-out may be asked again" begin_out

refused "what is no handover is refused" 'is not what .svirt handover begin-out. prints' \
  there handover prepare-in there.xml
sed 's/"doi": ".*"/"doi": "elsewhere"/' a.handover >foreign.handover
refused "and labels of another meaning" "have the DOI 'elsewhere' on the other host" \
  there handover prepare-in foreign.handover
sed "s|\"uuid\": \".*\"|\"uuid\": \"../../x\"|" a.handover >path.handover
refused "and a uuid that is a path" 'is not a UUID' there handover prepare-in path.handover
equal "nothing is left of them" "" "$(there labels)"

ok "prepare-in there" there handover prepare-in a.handover
contains "labels there says that it comes" 'held by +incoming$' there labels
refused "but not twice" 'has labels on this host already' there handover prepare-in a.handover
ok "recover leaves it alone" there recover
ok "cancel there" there handover cancel a
equal "forgets it" "" "$(there labels)"
ok "cancel here" svirt handover cancel a
equal "a runs on" running "$(svirt domstate a)"

ok "once more" begin_out
ok "prepare-in, from standard input" there handover prepare-in - <a.handover
contains "a program there opens the disk while a runs here" "the disk of a" \
  there run there.xml -- /usr/bin/head -c 13 "$DIR/images/a.img"
contains "its end leaves what is prepared" 'held by +incoming$' there labels
make_domain hook
ok "what was only labelled goes as well" svirt label "$DIR/hook.xml"
ok "by its name" svirt handover begin-out hook
refused "its labels cannot be put back meanwhile" 'is being handed to another host' \
  svirt restore "$DIR/hook.xml"
ok "it stays" svirt handover cancel hook
ok "now they can" svirt restore "$DIR/hook.xml"

ok "commit here" svirt handover commit a
contains "which gives nothing back while a runs" 'held by +gone,[0-9]+$' svirt labels
ok "a is destroyed here" svirt destroy a
equal "and holds nothing any more" "" "$(svirt labels)"
ok "commit there" there handover commit a
refused "just once" 'is not being handed over' there handover commit a
ok "recover there puts things back, since it does not run" there recover
equal "nothing is held at the end" "" "$(there labels)"
finish
