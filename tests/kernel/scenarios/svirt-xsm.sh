#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# svirt-xsm.sh [flask]: svirt in the control domain of a Xen host. Debian's hypervisor has no FLASK,
# and svirt has to say so. With "flask" the hypervisor is one that has it and enforces a policy: then
# the driver is tried on it.
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

if [ "${1-}" != flask ]; then
  contains "the driver says why it is not active" \
    '^inactive .*Xen 4\.17.* has FLASK not built in \(CONFIG_XSM_FLASK is not set\)' state
  refused "Xen's own tool agrees" 'Unable to get enforcing mode' flask-getenforce
  contains "and so does the validator, which keeps to the rules of inactive drivers" \
    'FLASK not built in' svirt-validate --virt-type xen "$plugin"
  tap "# SKIPPED the driver on FLASK: needs --xen, a hypervisor built with it, and --xen-policy"
  finish
fi

contains "FLASK enforces" '^Enforcing' flask-getenforce
contains "the driver is active" '^(selected|active) FLASK is active: .*that keep domains apart$' state
tap_lines < <(state)
tests=/usr/local/bin/flask_hypervisor_test
capture "$tests"
tap_lines <<<"$seen"
verdict "$status" "the driver's tests on this hypervisor pass" "exit status 0" "$status"
capture svirt-validate --virt-type xen "$plugin"
tap_lines <<<"$seen"
verdict "$status" "it passes the validator while it is active" "exit status 0" "$status"
finish
