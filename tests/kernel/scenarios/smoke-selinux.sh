#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The test bed itself: a Debian system with SELinux enforcing, as the other SELinux scenarios take
# it for granted.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

equal "SELinux is enforcing" Enforcing "$(getenforce)"
contains "the policy is Debian's" '^Loaded policy name: +default$' sestatus
contains "our policy module is in the policy" '^svirt$' semodule -l
equal "init runs as a booted system's init" system_u:system_r:init_t:s0 "$(label_of_pid 1)"
equal "the scenario runs as a service's script" system_u:system_r:initrc_t:s0 "$(label_of_pid $$)"

equal "an emulator is an entry point" system_u:object_r:qemu_exec_t:s0 \
  "$(label /usr/bin/qemu-system-x86_64)"
equal "/dev is labelled" system_u:object_r:null_device_t:s0 "$(label /dev/null)"
unlabelled() { find / -xdev -context '*:unlabeled_t:*'; }
equal "no file of the image is without a label" "" "$(unlabelled)"

matched() { matchpathcon "$1" | awk '{print $2}'; }
for path in /usr/bin/bash /etc/shadow /var/lib /run; do
  equal "$path has the label that the policy has for it" "$(matched "$path")" "$(label "$path")"
done

dmesg --follow >/dev/null &
in_dmesg_t() { [ "$(label_of_pid $!)" = system_u:system_r:dmesg_t:s0 ]; }
ok "a program with a domain of its own enters it" wait_for 10 in_dmesg_t
kill $!

# Isolation, by the policy alone: a launcher with the file type of libvirt's daemon starts a program
# with the file type of an emulator as if it were the virtual machine c1,c2. A virtual machine may
# write into a pipe of its launcher, but not into one of this script.
cat >launcher <<'LAUNCHER'
#!/bin/bash
set -o pipefail
"$@" 2>&1 | cat
LAUNCHER
chmod +x launcher
chcon -t virtd_exec_t launcher
cp /bin/cat emulator
chcon -t qemu_exec_t emulator
install -d /var/lib/libvirt/images
echo own disk >/var/lib/libvirt/images/own
echo other disk >/var/lib/libvirt/images/other
chcon -t svirt_image_t -l s0:c1,c2 /var/lib/libvirt/images/own
chcon -t svirt_image_t -l s0:c3,c4 /var/lib/libvirt/images/other
guest() { ./launcher runcon system_u:system_r:svirt_t:s0:c1,c2 ./emulator "$@"; }

avc_mark
refused "the scenario itself may not start a virtual machine" 'Permission denied' \
  runcon system_u:system_r:svirt_t:s0:c1,c2 ./emulator /var/lib/libvirt/images/own
avc "and the kernel says so" 'denied +\{ transition \}' 'scontext=system_u:system_r:initrc_t:s0' \
  'tcontext=system_u:system_r:svirt_t:s0:c1,c2' 'permissive=0'

avc_mark
contains "a virtual machine reads its own disk" '^own disk$' guest /var/lib/libvirt/images/own
no_avc "and nothing is denied" 'name="own"'
refused "it does not read another's" 'Permission denied' guest /var/lib/libvirt/images/other
avc "and the kernel says so" 'denied +\{ read \}' 'scontext=system_u:system_r:svirt_t:s0:c1,c2' \
  'tcontext=system_u:object_r:svirt_image_t:s0:c3,c4' 'tclass=file' 'permissive=0'

run_emulator() {
  ./launcher timeout --foreground 5 runcon system_u:system_r:svirt_t:s0:c1,c2 \
    qemu-system-x86_64 -machine none -accel tcg -nodefaults -display none
  [ $? -eq 124 ] # it ran until the time was over
}
ok "an emulator without KVM runs confined" run_emulator

refused "a type that the policy does not have is refused" 'Invalid argument' \
  chcon -t no_such_type_t "$0"
refused "so is a category beyond the last" 'Invalid argument' chcon -l s0:c1024 "$0"

equal "SELinux is still enforcing" Enforcing "$(getenforce)"
finish
