#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The test bed itself: a Debian system with Landlock and no other module of consequence.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

contains "Landlock is among the kernel's modules" '(^|,)landlock(,|$)' cat /sys/kernel/security/lsm
lacks "SELinux and AppArmor are not" 'selinux|apparmor' cat /sys/kernel/security/lsm

# landlock OPERATION FILE...: prints the ABI level; or reads the first FILE while a ruleset allows
# reading it alone. Debian 12 has no command for Landlock.
landlock() {
  python3 - "$@" <<'PYTHON'
import ctypes, os, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
CREATE, ADD, RESTRICT = 444, 445, 446
READ_FILE = 1 << 2

def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

if sys.argv[1] == "abi":
    print(call(CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(1)))
    sys.exit()
ruleset = call(CREATE, struct.pack("=Q", READ_FILE), ctypes.c_size_t(8), ctypes.c_uint(0))
own = os.open(sys.argv[2], os.O_PATH | os.O_CLOEXEC)
rule = struct.pack("=Qi", READ_FILE, own)
call(ADD, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0))
call(RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint(0))
try:
    for name in sys.argv[2:]:
        print(open(name).read(), end="")
except PermissionError as error:
    sys.exit(str(error))
PYTHON
}

echo own disk >own
echo other disk >other
contains "the kernel has Landlock's second level" '^2$' landlock abi
contains "a confined program reads what its ruleset names" '^own disk$' landlock read own
refused "it does not read another file" 'Permission denied: .other' landlock read own other
contains "which anybody else does" '^other disk$' cat other
finish
