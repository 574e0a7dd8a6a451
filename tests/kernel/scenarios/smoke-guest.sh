#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The test bed itself: a virtual machine inside the test machine boots to its console line.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

echo "first bytes of the disk" >disk
truncate -s 1M disk
touch console
qemu-system-x86_64 -accel tcg -cpu qemu64 -m 128 -nodefaults -display none "${GUEST_OPTIONS[@]}" \
  -kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" -append "$GUEST_CMDLINE" -serial file:console \
  -drive if=none,id=disk,format=raw,file=disk -device virtio-blk-pci,drive=disk &
ok "the guest says that it lives" wait_for 500 grep -q 'SVIRT GUEST OK' console
ok "and what is on its disk" wait_for 60 grep -q 'SVIRT GUEST DISK first bytes of the disk' console
kill $!
echo "# booted in $SECONDS s"
finish
