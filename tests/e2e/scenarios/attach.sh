#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Interfaces, character devices and memory of a running guest: labelled before QEMU has them, shown
# by QEMU, and their own again when it has them no more, or has refused them.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

# Who may not give files away sees the devices come and go, and no labels.
root=no
[ "$(id -u)" -ne 0 ] || root=yes
if [ $root = yes ]; then
  configure '[confinement]' 'models = dac'
else
  echo "# the owners of what is attached are skipped: only root may give files away"
  configure '[confinement]' 'models = none'
fi

make_domain a
sed -i "s,<vcpu>,<maxMemory slots='2' unit='MiB'>1024</maxMemory>\n  &," "$DIR/a.xml"
chmod 0600 "$DIR/images/a.img"
install -m 0777 -d "$DIR/sockets"
ok "a is defined" svirt define "$DIR/a.xml"
ok "a starts" svirt start a
ok "a boots to its console line" wait_for 90 booted a
pid=$(pid_of a)
uuid=$(svirt dominfo a | sed -n 's/^UUID: *//p')
id=$(stat -c %u "/proc/$pid")

owner() { stat -c %u "$1"; }
# is WHAT OWNER FILE: where files can be given away, it is that user's.
is() { [ $root = no ] || equal "$1" "$2" "$(owner "$3")"; }
# info WORD: what QEMU tells people.
info() {
  "$SVIRT_TEST/qmp" "$ROOT/run/domains/$uuid/monitor.sock" human-monitor-command \
    "{\"command-line\": \"info $1\"}"
}
shown() { for word in chardev network memdev qtree; do info "$word"; done; }
# device NAME: NAME.xml from what stands here.
device() { cat >"$DIR/$1.xml"; }
attach() { svirt attach-device a "$DIR/$1.xml"; }
detach() { svirt detach-device a "$DIR/$1.xml"; }
before=$(shown)

# ---- an interface
device net <<XML
<interface type='user'>
  <mac address='52:54:00:AB:CD:01'/>
  <model type='virtio'/>
</interface>
XML
device again <<XML
<interface type='user'><mac address='52:54:00:ab:cd:01'/><model type='e1000'/></interface>
XML
device twin <<XML
<interface type='user'><model type='virtio'/></interface>
XML
ok "an interface is attached" attach net
contains "QEMU shows it" 'macaddr=52:54:00:ab:cd:01' info network
refused "another one with its address is refused" \
  'has an interface with MAC address 52:54:00:ab:cd:01 already' attach again
ok "one without an address is attached" attach twin
ok "and its twin" attach twin
contains "their addresses differ" '^3$' bash -c "'$SVIRT' --root '$ROOT' dumpxml a |
  grep -o 'mac address=.[0-9a-f:]*' | sort -u | wc -l"
refused "which one is to go must be said" 'such <interface>: say which one with <alias' detach twin
sed 's,<model,<alias name="net1"/><model,' "$DIR/twin.xml" >"$DIR/second.xml"
sed 's,<model,<alias name="net2"/><model,' "$DIR/twin.xml" >"$DIR/third.xml"
ok "the first of all is detached" detach net
lacks "QEMU shows it no more" 'ab:cd:01' info network
ok "the second by its name" detach second
ok "and the third" detach third
refused "what is gone cannot be detached" 'has no such <interface>' detach net
equal "QEMU has what it had" "$before" "$(shown)"
if [ $root = yes ] && [ -c /dev/net/tun ]; then
  device tap <<XML
<interface type='ethernet'><target dev='svirt-e2e'/><model type='virtio'/></interface>
XML
  ok "an interface whose tap device svirt opens is attached" attach tap
  contains "QEMU shows it" 'type=tap' info network
  ok "the host has the device" test -e /sys/class/net/svirt-e2e
  refused "no second one on it" 'an interface with target svirt-e2e already' attach tap
  ok "it is detached" detach tap
  ok "and the host has it no more" test ! -e /sys/class/net/svirt-e2e
  equal "QEMU has what it had" "$before" "$(shown)"
fi

# ---- channels
: >"$DIR/images/agent.out"
chmod 0600 "$DIR/images/agent.out"
device channel <<XML
<channel type='file'>
  <source path='$DIR/images/agent.out'/>
  <target type='virtio' name='org.example.agent.0'/>
</channel>
XML
device other <<XML
<channel type='unix'>
  <source mode='bind' path='$DIR/sockets/other.sock'/>
  <target type='virtio' name='org.example.other.0'/>
</channel>
XML
ok "a channel is attached" attach channel
contains "QEMU shows its port" 'org.example.agent.0' info qtree
is "its file is a's" "$id" "$DIR/images/agent.out"
equal "QEMU has it open" 1 "$(find "/proc/$pid/fd" -lname '*/agent.out' 2>/dev/null | wc -l)"
refused "its name is taken" 'has a channel with name org.example.agent.0 already' attach channel
ok "one with a socket is attached" attach other
ok "somebody listens there" test -S "$DIR/sockets/other.sock"
is "it is a's" "$id" "$DIR/sockets/other.sock"
contains "the live XML has both" '^2$' bash -c "'$SVIRT' --root '$ROOT' dumpxml a |
  grep -c 'org.example'"
ok "the first is detached" detach channel
is "its file is its own again" 0 "$DIR/images/agent.out"
equal "QEMU has it closed" 0 "$(find "/proc/$pid/fd" -lname '*/agent.out' 2>/dev/null | wc -l)"
ok "and the other" detach other
ok "nobody listens any more" test ! -e "$DIR/sockets/other.sock"
equal "QEMU has what it had" "$before" "$(shown)"

# ---- memory
# QEMU takes its time to unmap what it has let go.
unmapped() { ! grep -q images/dimm "/proc/$pid/maps"; }
truncate -s 128M "$DIR/images/dimm"
chmod 0600 "$DIR/images/dimm"
device dimm <<XML
<memory model='dimm'>
  <source><path>$DIR/images/dimm</path></source>
  <target><size unit='MiB'>128</size><node>0</node></target>
</memory>
XML
sed 's,<node>0,<node>5,' "$DIR/dimm.xml" >"$DIR/nowhere.xml"
sed 's,128<,4096<,' "$DIR/dimm.xml" >"$DIR/large.xml"
refused "memory on a node that the guest has not is refused by QEMU" 'refused device_add.*node' \
  attach nowhere
is "its file is its own again" 0 "$DIR/images/dimm"
ok "QEMU has it closed" wait_for 10 unmapped
equal "and has what it had" "$before" "$(shown)"
lacks "the live XML says nothing of it" 'images/dimm' svirt dumpxml a
refused "more memory than the domain may have is refused" 'than its <maxMemory> allows' attach large
ok "memory is attached" attach dimm
contains "QEMU shows it" '"dimm".*memory0' "$SVIRT_TEST/qmp" \
  "$ROOT/run/domains/$uuid/monitor.sock" query-memory-devices
is "its file is a's" "$id" "$DIR/images/dimm"
refused "QEMU has mapped it" '' unmapped
refused "its file is not given twice" 'has a memory device with path' attach dimm
ok "the guest gives it back" wait_for 60 detach dimm
is "its file is its own again" 0 "$DIR/images/dimm"
ok "QEMU has it closed" wait_for 10 unmapped
equal "and has what it had" "$before" "$(shown)"

# ---- what QEMU refuses after it has been labelled
: >"$DIR/images/rom"
chmod 0600 "$DIR/images/rom"
sed "s,<model,<rom file='$DIR/images/rom'/><model," "$DIR/net.xml" >"$DIR/rom.xml"
refused "an interface with an empty ROM is refused by QEMU" 'refused device_add' attach rom
is "its ROM is its own again" 0 "$DIR/images/rom"
equal "QEMU has what it had" "$before" "$(shown)"
device nobody <<XML
<channel type='unix'>
  <source mode='connect' path='$DIR/sockets/nobody'/>
  <target type='virtio' name='org.example.nobody.0'/>
</channel>
XML
refused "a channel to a socket that is not there is refused" 'nobody' attach nobody
device port <<XML
<serial type='null'/>
XML
refused "a port of the board is refused" 'pci-serial' attach port
equal "QEMU has what it had" "$before" "$(shown)"

ok "an interface is attached again" attach net
ok "and a channel" attach channel
ok "a is destroyed" svirt destroy a
is "the channel's file is its own again" 0 "$DIR/images/agent.out"
lacks "the definition has neither" 'org.example|<interface' svirt dumpxml a
finish
