#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The test bed itself: a Debian system with AppArmor.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

contains "AppArmor is among the kernel's modules" '(^|,)apparmor(,|$)' cat /sys/kernel/security/lsm
lacks "SELinux is not" selinux cat /sys/kernel/security/lsm
ok "AppArmor is enabled" aa-enabled
equal "the scenario is not confined" unconfined "$(label_of_pid $$)"

echo own disk >own
echo other disk >other
cat >profile <<PROFILE
abi <abi/3.0>,
include <tunables/global>
profile svirt-smoke {
  include <abstractions/base>
  /usr/bin/cat rm,
  @{PROC}/@{pid}/attr/current r,
  $PWD/own rw,
}
PROFILE

refused "there is no profile yet" 'does not exist' aa-exec -p svirt-smoke -- cat own
ok "a profile can be loaded" apparmor_parser --add --skip-cache profile
contains "it is enforced" '^svirt-smoke \(enforce\)$' cat /sys/kernel/security/apparmor/profiles
contains "aa-status counts it" '^1 profiles are in enforce mode' aa-status
guest() { aa-exec -p svirt-smoke -- cat "$@"; }
contains "a program enters it" '^svirt-smoke \(enforce\)$' guest /proc/self/attr/current
contains "and reads what the profile names" '^own disk$' guest own

avc_mark
refused "it does not read another file" 'Permission denied' guest other
avc "and the kernel says so" 'profile="svirt-smoke"' 'name="[^"]*/other"' \
  'requested_mask="r"'
ok "the profile can be removed" apparmor_parser --remove profile
lacks "and is gone then" svirt-smoke cat /sys/kernel/security/apparmor/profiles
finish
