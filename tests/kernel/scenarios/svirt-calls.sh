#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# svirt-calls.sh MODEL: how many system calls one more disk costs under the model that this kernel
# has, and what a daemon pays to take labels back.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"
# shellcheck source=../guest/call_counts.sh
. "$SVIRT_TEST/call_counts.sh"

images=/var/lib/svirt/images
mkdir -p $images /etc/svirt
restorecon -RF /var/lib/svirt /run/svirt /usr/bin/svirt /etc/svirt 2>/dev/null
printf '[confinement]\nmodels = %s\n' "$1" >/etc/svirt/svirt.conf

per_disk=$(calls_per_disk $images label_rounds /etc/svirt/svirt.conf)
cp $images/*.trace "$OUT/"
ok "one more disk costs 17 system calls at most, of which 5 ask who else has it: $per_disk" \
  most 17 "$per_disk"

disks_domain $images one 1
ok "a daemon labels and restores" count_calls "$OUT/rounds.trace" \
  label_rounds /etc/svirt/svirt.conf $images/one.xml 3
calls=$(calls_between labelled restored "$OUT/rounds.trace")
if [ "$1" = apparmor ]; then
  # Its plugin looks for processes that still run under the profile, among all that there are.
  echo "# svirt_restore: $calls system calls, with $(find /proc -maxdepth 1 -name "[0-9]*" | wc -l) processes"
else
  ok "svirt_restore makes 60 system calls at most: $calls" most 60 "$calls"
fi
finish
