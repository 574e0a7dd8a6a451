#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The other SELinux image of the test bed: Debian's policy without our module, and what that means.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

equal "SELinux is enforcing" Enforcing "$(getenforce)"
lacks "our policy module is not in the policy" '^svirt$' semodule -l

cat >launcher <<'LAUNCHER'
#!/bin/bash
set -o pipefail
"$@" 2>&1 | cat
LAUNCHER
chmod +x launcher
chcon -t virtd_exec_t launcher
avc_mark
refused "without the module an emulator without KVM cannot run confined" 'mprotect.*Permission denied' \
  ./launcher timeout --foreground 20 runcon system_u:system_r:svirt_t:s0:c1,c2 \
  qemu-system-x86_64 -machine none -accel tcg -nodefaults -display none
avc "because it may not make code at run time" 'denied +\{ execmem \}' \
  'scontext=system_u:system_r:svirt_t:s0:c1,c2' 'permissive=0'
finish
