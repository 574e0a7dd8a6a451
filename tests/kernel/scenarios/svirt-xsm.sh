#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# svirt-xsm.sh [flask]: svirt in the control domain of a Xen host. Debian's hypervisor has no FLASK,
# and svirt has to say so, and to start no domain that is not meant to be unconfined. With "flask" the
# hypervisor is one that has it and enforces a policy: then the driver is tried on it, and domains
# run under its labels.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

PATH=$PATH:/usr/lib/xen-4.17/bin
modprobe -a xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs
mount -t xenfs xenfs /proc/xen
contains "this is a control domain of Xen" control_d cat /proc/xen/capabilities
plugin=$(find /usr/lib -name svirt-flask.so)
state() { svirt plugins --json | python3 -c '
import json, sys
for plugin in json.load(sys.stdin)["plugins"]:
    if plugin["model"] == "flask":
        print(plugin["state"], plugin["reason"])'; }

start_toolstack() {
  mkdir -p /run/xen /var/lib/xen /var/log/xen /var/lib/xenstored
  xenstored --pid-file /run/xen/xenstored.pid
  wait_for 60 xenstore-ls
  xen-init-dom0
  xenconsoled --pid-file=/run/xen/xenconsoled.pid
}

# make_domain NAME [SECLABEL [TYPE]]: NAME.xml
make_domain() {
  cat >"$1.xml" <<XML
<domain type='xen'>
  <name>$1</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64'>${3-linux}</type>
    <kernel>$GUEST_KERNEL</kernel>
    <initrd>$GUEST_INITRD</initrd>
    <cmdline>console=hvc0 quiet</cmdline>
  </os>
  <devices>
    <console type='pty'/>
  </devices>
  ${2-}
</domain>
XML
}
seclabel() { echo "<seclabel type='static' model='flask'><label>$1</label></seclabel>"; }

label_of() { svirt dominfo "$1" | sed -n 's/^Security label: *\([^ ]*\).*/\1/p'; }
id_of() { svirt dominfo "$1" | sed -n 's/^Id: *//p'; }
# The label of a domain by its number, as the hypervisor's own tool tells it.
xen_label() { xl list -Z "$1" | awk 'END { print $NF }'; }
domains() { xl list | tail -n +2 | wc -l; }
exit_code() {
  "$@" >/dev/null 2>&1
  echo $?
}

capture start_toolstack
if [ "$status" -ne 0 ]; then
  tap_lines <<<"$seen"
fi
ok "xl works" xl list

if [ "${1-}" != flask ]; then
  contains "the driver says why it is not active" \
    '^inactive .*Xen 4\.17.* has FLASK not built in \(CONFIG_XSM_FLASK is not set\)' state
  equal "Xen's own tool agrees" 'Unable to get enforcing mode: Operation not permitted' \
    "$(flask-getenforce 2>&1)"
  contains "and so does the validator, which keeps to the rules of inactive drivers" \
    'FLASK not built in' svirt-validate --virt-type xen "$plugin"
  make_domain a
  refused "no domain is defined without a driver" 'FLASK not built in' svirt define a.xml
  equal "with the exit code for it" 5 "$(exit_code svirt define a.xml)"
  make_domain n "<seclabel type='none' model='flask'/>"
  ok "unless its owner wants none" svirt define n.xml
  ok "which starts" svirt start n
  equal "as a domain of Xen" 2 "$(domains)"
  contains "and runs" '^running' svirt domstate n
  contains "without a label" '^Security model: +none' svirt dominfo n
  refused "but once" 'is running already' svirt start n
  ok "it ends" svirt destroy n
  equal "and leaves nothing" 1 "$(domains)"
  mkdir -p /etc/svirt
  printf '[confinement]\nallow_none = yes\n' >/etc/svirt/svirt.conf
  ok "or the configuration allows it" svirt define a.xml
  ok "a starts unconfined then" svirt start a
  contains "and dominfo says so" '^Security model: +none' svirt dominfo a
  make_domain s "$(seclabel system_u:system_r:domU_t)"
  refused "a label that cannot be had is refused all the same" 'security model flask' \
    svirt define s.xml
  ok "a is destroyed by others" xl destroy "$(id_of a)"
  contains "which is seen" '^shut off' svirt domstate a
  equal "access has nobody to ask" 9 \
    "$(exit_code svirt access system_u:system_r:domU_t system_u:system_r:dom0_t)"
  tap "# SKIPPED the driver on FLASK: needs --xen, a hypervisor built with it, and --xen-policy"
  finish
fi

# Its exit status is what it says.
contains "FLASK enforces" '^Enforcing' eval 'flask-getenforce || test $? = 1'
contains "the driver is active" '^(selected|active) FLASK is active: .*that keep domains apart$' state
tap_lines < <(state)
tests=/usr/local/bin/flask_hypervisor_test
capture "$tests"
tap_lines <<<"$seen"
verdict "$status" "the driver's tests on this hypervisor pass" "exit status 0" "$status"
capture svirt-validate --virt-type xen "$plugin"
tap_lines <<<"$seen"
verdict "$status" "it passes the validator while it is active" "exit status 0" "$status"

for vm in a b; do
  make_domain $vm
  ok "$vm is defined" svirt define $vm.xml
  ok "$vm starts" svirt start $vm
  contains "$vm runs" '^running' svirt domstate $vm
  equal "the hypervisor has the label of $vm" "$(label_of $vm)" "$(xen_label "$(id_of $vm)")"
done
tap_lines < <(xl list -Z)
differ "a and b have labels of their own" "$(label_of a)" "$(label_of b)"
for pair in "a b" "b a"; do
  # shellcheck disable=SC2086 # two words
  equal "no right of $pair together" 4 "$(svirt access $pair | grep -c ' no$')"
done
control=$(xen_label 0)
equal "the control domain has all of them" 4 "$(svirt access "$control" a | grep -c ' yes$')"
contains "in JSON, too" '"notify": true' svirt access "$control" a --json
refused "a label is not taken from a domain that runs" "'svirt destroy'" svirt restore a
make_domain p "" xenpvh
ok "a PVH domain is defined" svirt define p.xml
ok "and starts" svirt start p
equal "under its label" "$(label_of p)" "$(xen_label "$(id_of p)")"
ok "and ends" svirt destroy p
make_domain s "$(seclabel system_u:system_r:domU_t)"
ok "s is defined with a static label" svirt define s.xml
ok "and starts" svirt start s
equal "with that label" system_u:system_r:domU_t "$(xen_label "$(id_of s)")"
make_domain i "$(seclabel system_u:system_r:no_such_t)"
refused "an invalid label is refused when it is defined" 'no_such_t' svirt define i.xml
equal "with the exit code for it" 3 "$(exit_code svirt define i.xml)"
ok "a ends" svirt destroy a
lacks "and its label is free" '^a \(' svirt labels
ok "b is destroyed by others" xl destroy "$(id_of b)"
contains "which is seen" '^shut off' svirt domstate b
lacks "and its label is free, too" '^b \(' svirt labels
ok "a starts again" svirt start a
for vm in a s; do
  ok "$vm ends" svirt destroy $vm
done
equal "no domain is left" 1 "$(domains)"
equal "and no label" "" "$(svirt labels)"
finish
