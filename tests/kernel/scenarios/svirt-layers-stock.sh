#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Landlock on top of SELinux under Debian's policy alone, which lets no guest have its context behind
# no_new_privs: who needs that is refused, and nothing runs with one layer instead of two. (Without
# our module svirt runs programs only, and keeps its state where it may map it.)
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"

images=/var/lib/libvirt/images
root=/tmp/svirt
mkdir -p $images $root
restorecon -RF /var/lib/libvirt
chcon -t virtd_exec_t /usr/bin/svirt
chcon -t virt_tmp_t $root
for tool in head setpriv; do
  cp /usr/bin/$tool /usr/local/bin/probe-$tool
  chcon -t qemu_exec_t /usr/local/bin/probe-$tool
done
setsebool virt_use_execmem 1 # or no guest of software emulation is started at all
printf '%s\n' '[confinement]' 'models = selinux, landlock' >$root/svirt.conf
printf 'the disk of a' >$images/a.img
chmod 0600 $images/a.img
cat >$images/a.xml <<XML
<domain type='qemu'>
  <name>a</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$images/a.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
  </devices>
</domain>
XML
bears() { stat -c '%C %u:%g' $images/a.img; }
before=$(bears)
lesser() { setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$@"; }
run() { svirt --root "$root" run "$images/a.xml" -- "$@"; }

contains "root has both layers without no_new_privs" '^no_new_privs: 0$' \
  run /usr/local/bin/probe-setpriv --dump
contains "and reads its disk" '^the disk of a' run /usr/local/bin/probe-head -c 13 $images/a.img
refused "Landlock allows nothing else" 'Permission denied' run /usr/local/bin/probe-head /etc/passwd
avc_mark
refused "without CAP_SYS_ADMIN the context cannot be had, with a sentence that says why" \
  'may not change behind no_new_privs.*CAP_SYS_ADMIN' \
  lesser svirt --root $root run $images/a.xml -- /usr/local/bin/probe-head -c 13 $images/a.img
avc "by the policy" 'denied +\{ nnp_transition \}' 'scontext=[^ ]*:virtd_t:' 'tcontext=[^ ]*:svirt_t:'
equal "its disk is as it was" "$before" "$(bears)"
equal "nobody holds a label" '' "$(svirt --root $root labels)"
printf '%s\n' '[confinement]' 'models = selinux' >$root/svirt.conf
contains "SELinux alone needs no such right" '^the disk of a' \
  lesser svirt --root $root run $images/a.xml -- /usr/local/bin/probe-head -c 13 $images/a.img
equal "SELinux is still enforcing" Enforcing "$(getenforce)"
finish
